package alert

import (
	"cmp"
	"context"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"vigie"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/opaque"
	"vigie/store"
)

// Settings are what mails say about the deployment.
type Settings struct {
	Brand letter.Brand
	// From is the sender of mails; replies go to ReplyTo, if it is set. Bounces go to Bounces, if it is set, with a
	// token for each mail in the address.
	From    mail.Address
	ReplyTo string
	Bounces string
	// PublicURL is where the links to our own pages lead.
	PublicURL string
	// WatchesURL, WatchURL and TenderURL are pages of the platform, "" for none, with the placeholders {watchId}, and
	// {source}/{sourceRef}. Without TenderURL, links lead to the tender's page at its source.
	WatchesURL, WatchURL, TenderURL string
}

// composer writes mails.
type composer struct {
	settings  Settings
	templates *letter.Templates
	keys      *link.Keys
	ids       *opaque.Keys
	now       time.Time
	// buyers and notices are those of the tenders in the mails.
	buyers  map[int64]*vigie.Buyer
	notices map[int64][]*vigie.Notice
}

// composed is a mail as it is sent, with the outcome for its deliveries.
type composed struct {
	store.Composed
	message post.Message
	// empty reports whether nothing is left to say.
	empty bool
}

// maySend reports whether a delivery may still be sent, and records its outcome if not; over reports whether its
// tender is over.
func (done *composed) maySend(r *store.RecipientState, t *store.PendingDelivery, over bool, now time.Time) bool {
	may := permissionOf(r, t, now)
	switch {
	case may.never || over:
		done.Dropped = append(done.Dropped, t.ID)
	case may.hold != "":
		if done.Held == nil {
			done.Held = make(map[int64]vigie.HoldReason)
		}
		done.Held[t.ID] = may.hold
	default:
		return true
	}
	return false
}

// newComposer reads what the mails to some recipients need.
func (s *Sender) newComposer(ctx context.Context, states map[int64]*store.RecipientState) (*composer, error) {
	c := &composer{settings: s.Settings, templates: s.Templates, keys: s.Keys, ids: s.Store.IDs(), now: s.Now()}
	var buyers, corrected []int64
	for _, r := range states {
		for _, t := range r.Deliveries {
			buyers = append(buyers, t.Tender.BuyerID)
			if t.Kind == vigie.DeliverCorrected {
				corrected = append(corrected, t.Tender.ID)
			}
		}
	}
	var err error
	if c.buyers, err = s.Store.Buyers(ctx, buyers); err != nil || len(corrected) == 0 {
		return c, err
	}
	c.notices, err = s.Store.Notices(ctx, corrected)
	return c, err
}

// compose writes a mail, according to its recipient's present settings.
func (c *composer) compose(m *vigie.Mail, r *store.RecipientState) (composed, error) {
	var l letter.Letter
	var done composed
	var err error
	switch {
	case m.Kind == vigie.ConfirmationMail:
		if r.Left || r.Bounced || r.Confirmed || !r.Named {
			return composed{empty: true}, nil
		}
		l, err = c.templates.Confirmation(letter.Confirmation{
			Brand: c.settings.Brand, Language: r.Account.Locale, URL: c.link(link.ConfirmPath, link.Confirm, r.ID, r.Email),
		})
	case m.Kind == vigie.QuietMail:
		l, done, err = c.quiet(m, r)
	default:
		l, done, err = c.digest(r)
	}
	if err != nil || done.empty {
		return done, err
	}
	done.message = c.message(m, r, done.Watches, l)
	return done, nil
}

// message adds the headers and addresses to a letter.
func (c *composer) message(m *vigie.Mail, r *store.RecipientState, watches []int64, l letter.Letter) post.Message {
	leave := c.leaveURL(r)
	host := c.settings.From.Address[strings.LastIndexByte(c.settings.From.Address, '@')+1:]
	list := "vigie." + host
	if len(watches) == 1 { // leaving it is leaving everything in this mail
		w := r.Watches[watches[0]]
		leave = c.link(link.LeavePath, link.LeaveWatch, w.SubscriptionID, r.Email)
		list = strings.ReplaceAll(c.ids.ID(vigie.KindWatch, w.WatchID), "_", "-") + "." + list
	}
	message := post.Message{
		ID: m.MessageID, From: c.settings.From, ReplyTo: c.settings.ReplyTo, To: r.Email, EnvelopeFrom: c.settings.From.Address,
		Subject: l.Subject, Text: l.Text, HTML: l.HTML, Date: m.CreatedAt,
		Headers: map[string]string{
			"List-Unsubscribe": "<" + leave + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
			"List-Id": "<" + list + ">", "Auto-Submitted": "auto-generated",
		},
	}
	if c.settings.Bounces != "" {
		message.EnvelopeFrom = post.ReturnPath(c.settings.Bounces, c.keys.Token(link.Bounce, m.ID, r.Email))
	}
	return message
}

// link returns the URL of one of our pages.
func (c *composer) link(path string, p link.Purpose, id int64, address string) string {
	return strings.TrimRight(c.settings.PublicURL, "/") + path + c.keys.Token(p, id, address)
}

func (c *composer) leaveURL(r *store.RecipientState) string {
	return c.link(link.LeavePath, link.LeaveAll, r.ID, r.Email)
}

// watches returns the watches that the end of a letter lists, by their names.
func (c *composer) watches(r *store.RecipientState, ids []int64) []letter.Watch {
	followed := make([]store.FollowedWatch, len(ids))
	for i, id := range ids {
		followed[i] = r.Watches[id]
	}
	slices.SortFunc(followed, func(a, b store.FollowedWatch) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.WatchID, b.WatchID))
	})
	list := make([]letter.Watch, len(followed))
	for i, w := range followed {
		list[i] = letter.Watch{Name: w.Name, LeaveURL: c.link(link.LeavePath, link.LeaveWatch, w.SubscriptionID, r.Email)}
		if r.Primary { // other recipients cannot sign in
			list[i].EditURL = fill(c.settings.WatchURL, "{watchId}", c.ids.ID(vigie.KindWatch, w.WatchID))
		}
	}
	return list
}

// fill puts values into a page's URL, in place of their names.
func fill(address string, values ...string) string {
	for i := 0; i < len(values); i += 2 {
		address = strings.ReplaceAll(address, values[i], url.PathEscape(values[i+1]))
	}
	return address
}

func (c *composer) quiet(m *vigie.Mail, r *store.RecipientState) (letter.Letter, composed, error) {
	var done composed
	for id, w := range r.Watches {
		if !quietAt(r, w).After(m.CreatedAt) {
			done.Watches = append(done.Watches, id)
		}
	}
	if done.empty = len(done.Watches) == 0 || !r.Account.QuietNotes || !r.Confirmed || r.Left || r.Bounced; done.empty {
		return letter.Letter{}, done, nil
	}
	slices.Sort(done.Watches)
	l, err := c.templates.Quiet(letter.Quiet{
		Brand: c.settings.Brand, Language: r.Account.Locale, Watches: c.watches(r, done.Watches),
		Days: int(quietAfter / (24 * time.Hour)), LeaveURL: c.leaveURL(r),
	})
	return l, done, err
}

// digest writes what happened to tenders. A mail that had to wait leaves out tenders that are over, except cancelled
// ones: their cancellation follows in the next mail.
func (c *composer) digest(r *store.RecipientState) (letter.Letter, composed, error) {
	d := letter.Digest{Brand: c.settings.Brand, Language: r.Account.Locale, MoreURL: c.settings.WatchesURL, LeaveURL: c.leaveURL(r)}
	if !r.Primary {
		d.MoreURL = ""
	}
	var done composed
	named := make(map[int64]bool)
	for _, s := range byTender(r) {
		over := s.tender.Outcome != vigie.Cancelled && s.over(c.now)
		s.deliveries = slices.DeleteFunc(s.deliveries, func(t *store.PendingDelivery) bool { return !done.maySend(r, t, over, c.now) })
		if len(s.deliveries) == 0 {
			continue
		}
		section := s.section(&d)
		section.Tenders = append(section.Tenders, c.tender(r, s, section == &d.Corrected, named))
	}
	done.Watches = slices.Sorted(maps.Keys(named))
	if done.empty = len(done.Watches) == 0; done.empty {
		return letter.Letter{}, done, nil
	}
	d.Watches = c.watches(r, done.Watches)
	l, err := c.templates.Digest(d)
	return l, done, err
}

// section returns the section for a tender's deliveries: the one that matters most to the recipient. Each tender is
// in one section only.
func (s *tenderDeliveries) section(d *letter.Digest) *letter.Section {
	kinds := make(map[vigie.DeliveryKind]bool)
	for _, t := range s.deliveries {
		kinds[t.Kind] = true
	}
	switch {
	case kinds[vigie.DeliverCancelled]:
		return &d.Cancelled
	case kinds[vigie.DeliverNew]:
		return &d.New
	case kinds[vigie.DeliverCorrected]:
		return &d.Corrected
	}
	return &d.ClosingSoon
}

// tender writes the entry of one tender, and collects the watches that it names.
func (c *composer) tender(r *store.RecipientState, s *tenderDeliveries, corrected bool, named map[int64]bool) letter.Tender {
	t := letter.Tender{
		Title: s.tender.Title, Reference: cmp.Or(s.tender.Reference, s.tender.SourceRef), Departments: s.tender.Departments,
		Deadline: s.tender.Deadline, URL: s.tender.URL,
	}
	if buyer := c.buyers[s.tender.BuyerID]; buyer != nil {
		t.Buyer = buyer.Name
	}
	if c.settings.TenderURL != "" {
		t.URL = fill(c.settings.TenderURL, "{source}", s.tender.Source, "{sourceRef}", s.tender.SourceRef)
	}
	keywords := make(map[int64][]string)
	for _, d := range s.deliveries {
		for _, reason := range d.Reasons {
			if _, follows := r.Watches[reason.WatchID]; follows {
				keywords[reason.WatchID] = reason.Keywords // the last one is the latest
				named[reason.WatchID] = true
			}
		}
		if corrected && d.Kind == vigie.DeliverCorrected {
			before, after, _ := vigie.Arrival(c.notices[s.tender.ID], d.NoticeID)
			t.Changes = merge(t.Changes, vigie.Changes(before, after))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(keywords)) {
		t.Reasons = append(t.Reasons, letter.Reason{Watch: r.Watches[id].Name, Keywords: keywords[id]})
	}
	return t
}

// merge merges two consecutive sets of changes into one.
func merge(first, then []vigie.Change) []vigie.Change {
	merged := slices.Clone(first)
	for _, change := range then {
		at := slices.IndexFunc(merged, func(c vigie.Change) bool { return c.Field == change.Field })
		if at < 0 {
			merged = append(merged, change)
			continue
		}
		merged[at].After = change.After
	}
	return slices.DeleteFunc(merged, func(c vigie.Change) bool { return c.Before == c.After })
}
