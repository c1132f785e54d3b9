package alert

import (
	"cmp"
	"context"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"vigie"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/database"
	"vigie/ledger"
	"vigie/opaque"
	"vigie/query"
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
	// publications are where the notices of tenders were published.
	publications map[int64][]vigie.Publication
	located      map[located][]vigie.Text
	// sources returns those that quiet notes name.
	sources func() []letter.Source
}

// newComposer reads what the mails to some recipients need.
func (s *Sender) newComposer(ctx context.Context, states map[int64]*ledger.RecipientState) (*composer, error) {
	c := &composer{settings: s.Settings, templates: s.Templates, keys: s.Keys, ids: s.Store.IDs(), now: s.Now(), notices: make(map[int64][]*vigie.Notice), located: make(map[located][]vigie.Text)}
	var buyers, corrected, tenders []int64
	for _, r := range states {
		for _, t := range r.Deliveries {
			buyers, tenders = append(buyers, t.Tender.BuyerID), append(tenders, t.Tender.ID)
			if t.Kind == vigie.DeliverCorrected {
				corrected = append(corrected, t.Tender.ID)
			}
		}
	}
	c.sources = sync.OnceValue(func() []letter.Source {
		if s.Sources == nil {
			return nil
		}
		return s.Sources(ctx)
	})
	var err error
	if c.buyers, err = s.Store.Buyers(ctx, buyers); err != nil {
		return c, err
	}
	if c.publications, err = s.Store.Publications(ctx, database.Distinct(tenders)); err != nil {
		return c, err
	}
	unreadable, err := database.ReadApart(database.Distinct(corrected), func(ids []int64) error {
		some, err := s.Store.Notices(ctx, ids)
		if err == nil {
			maps.Copy(c.notices, some)
		}
		return err
	})
	for tender, cause := range unreadable { // a mail does not wait for that
		s.Log.ErrorContext(ctx, "notices cannot be read: the mail does not say what changed", "component", "sender", "action", "compose", "tender", tender, "error", cause)
	}
	return c, err
}

// compose writes a mail with that content, according to its recipient's present settings.
func (c *composer) compose(m *vigie.Mail, r *ledger.RecipientState, content ledger.Content) (post.Message, error) {
	var l letter.Letter
	var err error
	switch m.Kind {
	case vigie.ConfirmationMail:
		l, err = c.templates.Confirmation(letter.Confirmation{
			Brand: c.settings.Brand, Language: r.Account.Locale, URL: c.link(link.ConfirmPath, link.Confirm, r.ID, r.Email),
		})
	case vigie.QuietMail:
		l, err = c.templates.Quiet(letter.Quiet{
			Brand: c.settings.Brand, Language: r.Account.Locale, Watches: c.watches(r, content.Watches),
			Days: int(ledger.QuietAfter / (24 * time.Hour)), LeaveURL: c.leaveURL(r), Sources: c.sources(),
		})
	case vigie.DigestMail:
		l, err = c.digest(r, content)
	}
	if err != nil {
		return post.Message{}, err
	}
	return c.message(m, r, content.Watches, l), nil
}

// message adds the headers and addresses to a letter.
func (c *composer) message(m *vigie.Mail, r *ledger.RecipientState, watches []int64, l letter.Letter) post.Message {
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

func (c *composer) leaveURL(r *ledger.RecipientState) string {
	return c.link(link.LeavePath, link.LeaveAll, r.ID, r.Email)
}

// watches returns the watches that the end of a letter lists, by their names.
func (c *composer) watches(r *ledger.RecipientState, ids []int64) []letter.Watch {
	followed := make([]ledger.FollowedWatch, len(ids))
	for i, id := range ids {
		followed[i] = r.Watches[id]
	}
	slices.SortFunc(followed, func(a, b ledger.FollowedWatch) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.WatchID, b.WatchID))
	})
	list := make([]letter.Watch, len(followed))
	for i, w := range followed {
		list[i] = letter.Watch{Name: w.Name, LeaveURL: c.link(link.LeavePath, link.LeaveWatch, w.SubscriptionID, r.Email)}
		if r.Primary { // other recipients cannot sign in
			list[i].EditURL = link.Fill(c.settings.WatchURL, "{watchId}", c.ids.ID(vigie.KindWatch, w.WatchID))
		}
	}
	return list
}

// digest writes what happened to tenders.
func (c *composer) digest(r *ledger.RecipientState, content ledger.Content) (letter.Letter, error) {
	d := letter.Digest{Brand: c.settings.Brand, Language: r.Account.Locale, MoreURL: c.settings.WatchesURL, LeaveURL: c.leaveURL(r)}
	if !r.Primary {
		d.MoreURL = ""
	}
	for _, t := range content.Tenders {
		section := sectionOf(t, &d)
		if len(section.Tenders) == letter.MaxTenders { // it shows no more
			section.Total++
			continue
		}
		section.Tenders = append(section.Tenders, c.tender(r, t, section == &d.Corrected))
		section.Total++
	}
	d.Watches = c.watches(r, content.Watches)
	return c.templates.Digest(d)
}

// sectionOf returns the section for a tender's deliveries: the one that matters most to the recipient. Each tender is
// in one section only.
func sectionOf(s *ledger.TenderDeliveries, d *letter.Digest) *letter.Section {
	kinds := make(map[vigie.DeliveryKind]bool)
	for _, t := range s.Deliveries {
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

// tender writes the entry of one tender.
func (c *composer) tender(r *ledger.RecipientState, s *ledger.TenderDeliveries, corrected bool) letter.Tender {
	t := letter.TenderOf(s.Tender, c.buyers[s.Tender.BuyerID], c.publications[s.Tender.ID], c.now)
	if c.settings.TenderURL != "" {
		t.URL = link.Fill(c.settings.TenderURL, "{source}", s.Tender.Source, "{sourceRef}", s.Tender.SourceRef)
	}
	keywords := make(map[int64][]string)
	for _, d := range s.Deliveries {
		for _, reason := range d.Reasons {
			if _, follows := r.Watches[reason.WatchID]; follows {
				keywords[reason.WatchID] = reason.Keywords // the last one is the latest
			}
		}
		if corrected && d.Kind == vigie.DeliverCorrected {
			before, after, _ := vigie.Arrival(c.notices[s.Tender.ID], d.NoticeID)
			t.Changes = merge(t.Changes, vigie.Changes(before, after))
			t.Corrections = append(t.Corrections, c.correction(s.Tender.ID, d.NoticeID)...)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(keywords)) {
		t.Reasons = append(t.Reasons, letter.Reason{Watch: r.Watches[id].Name, Keywords: keywords[id], Places: c.places(s.Tender, keywords[id])})
	}
	return t
}

// correction is what a notice asks to read, if it does.
func (c *composer) correction(tender, notice int64) []string {
	for _, n := range c.notices[tender] {
		if n.ID == notice && n.Content.Correction != "" {
			return []string{n.Content.Correction}
		}
	}
	return nil
}

// located names keywords in a tender.
type located struct {
	tender   int64
	keywords string
}

// places names where a tender has keywords, each place once. Many recipients have the same keywords.
func (c *composer) places(t *vigie.Tender, keywords []string) []vigie.Text {
	key := located{t.ID, strings.Join(keywords, "\n")}
	if named, ok := c.located[key]; ok {
		return named
	}
	var named []vigie.Text
	for _, p := range query.PlacesOfFound(t, keywords) {
		if label := p.Label(); !slices.Contains(named, label) {
			named = append(named, label)
		}
	}
	c.located[key] = named
	return named
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
