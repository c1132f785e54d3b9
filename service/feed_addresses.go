package service

import (
	"context"
	"strconv"
	"strings"

	"vigie"
	"vigie/alert/link"
	"vigie/store"
)

// FeedAddresses are those at which others than browsers read lists: feeds and calendars. The zero value has none.
//
// An address of a feed holds a token of package link: what it is of, and a version of the address. The version is in the
// database, and rises when the owner replaces the address; the token is not, so that a copy of the database reads no list.
type FeedAddresses struct {
	// Keys sign the tokens; without them there are no addresses of lists.
	Keys *link.Keys
	// PublicURL is where people reach the server; without it there are no addresses.
	PublicURL string
}

// The endings of addresses, by which programs know what is there.
const (
	FeedSuffix     = ".atom"
	CalendarSuffix = ".ics"
)

// TenderCalendarPath is where the calendars of single tenders are, by their ids.
const TenderCalendarPath = link.CalendarPath + "tenders/"

// WatchFeedURL is the address of a watch's feed; "" for none.
func (s *Service) WatchFeedURL(owner *vigie.Account, w *vigie.Watch) string {
	return s.Feeds.of(link.FeedPath, FeedSuffix, link.WatchFeed, w.ID, &store.FeedOwner{Account: owner, Watch: w})
}

// WatchCalendarURL is the address of the calendar of a watch's deadlines; "" for none.
func (s *Service) WatchCalendarURL(owner *vigie.Account, w *vigie.Watch) string {
	return s.Feeds.of(link.CalendarPath, CalendarSuffix, link.WatchCalendar, w.ID, &store.FeedOwner{Account: owner, Watch: w})
}

// AccountFeedURL is the address of the feed of all watches of an account; "" for none.
func (s *Service) AccountFeedURL(a *vigie.Account) string {
	return s.Feeds.of(link.FeedPath, FeedSuffix, link.AccountFeed, a.ID, &store.FeedOwner{Account: a})
}

// AccountCalendarURL is the address of the calendar of all watches of an account; "" for none.
func (s *Service) AccountCalendarURL(a *vigie.Account) string {
	return s.Feeds.of(link.CalendarPath, CalendarSuffix, link.AccountCalendar, a.ID, &store.FeedOwner{Account: a})
}

// TenderCalendarURL is the address of the calendar of a tender's deadline, which is public; "" for none, as without a
// deadline.
func (s *Service) TenderCalendarURL(t *vigie.Tender) string {
	if s.Feeds.PublicURL == "" || t.Deadline == nil {
		return ""
	}
	return s.Feeds.At(TenderCalendarPath, s.IDs().ID(vigie.KindTender, t.ID), CalendarSuffix)
}

func (a FeedAddresses) of(path, suffix string, p link.Purpose, id int64, owner *store.FeedOwner) string {
	if a.Keys == nil || a.PublicURL == "" {
		return ""
	}
	return a.At(path, a.Keys.Token(p, id, version(owner)), suffix)
}

// At is the whole address of a token or an id below a path.
func (a FeedAddresses) At(path, name, suffix string) string {
	return strings.TrimRight(a.PublicURL, "/") + path + name + suffix
}

// version is what the tokens of a feed are for, in place of an address. Those of a watch end with those of its account.
func version(owner *store.FeedOwner) string {
	v := strconv.FormatInt(owner.Account.FeedVersion, 10)
	if owner.Watch != nil {
		v += "." + strconv.FormatInt(owner.Watch.FeedVersion, 10)
	}
	return v
}

// OwnerOf returns whose tenders the feed or calendar with a token lists. If there is none, because the token is not ours,
// its address was replaced, its watch was deleted or its account was erased, the error has the code [vigie.NotFound].
func (s *Service) OwnerOf(ctx context.Context, token string, purposes ...link.Purpose) (*store.FeedOwner, error) {
	notFound := &vigie.Error{Code: vigie.NotFound}
	if s.Feeds.Keys == nil {
		return nil, notFound
	}
	purpose, id, ok := s.Feeds.Keys.Parse(token)
	for _, p := range purposes {
		if !ok || p != purpose {
			continue
		}
		read := s.Store.FeedOfWatch
		if p == link.AccountFeed || p == link.AccountCalendar {
			read = s.Store.FeedOfAccount
		}
		owner, err := read(ctx, id)
		if err == nil && !s.Feeds.Keys.Verify(token, version(owner)) {
			err = notFound
		}
		return owner, err
	}
	return nil, notFound
}

// FeedVersions returns the versions of the addresses of accounts' feeds.
func (s *Service) FeedVersions(ctx context.Context, accounts []int64) (map[int64]int64, error) {
	return s.Store.FeedVersions(ctx, accounts)
}

// RotateFeed replaces the addresses of the feed and the calendar of a watch of an account; with watch nil, of all feeds and
// calendars of the account. The former addresses end at once. It returns the watch as it is then; nil for all.
func (s *Service) RotateFeed(ctx context.Context, account *vigie.Account, watch *int64) (*vigie.Watch, error) {
	var id int64
	if watch != nil {
		if id = *watch; id == 0 {
			return nil, noWatch("watchId")
		}
	}
	w, err := s.Store.RotateFeed(ctx, account.ID, id)
	if vigie.CodeOf(err) == vigie.NotFound {
		err = noWatch("watchId")
	}
	return w, err
}
