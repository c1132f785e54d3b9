package alert

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"vigie"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/ledger"
	"vigie/opaque"
	"vigie/query"
)

// composer writes mails.
type composer struct {
	settings  Settings
	templates *letter.Templates
	keys      *link.Keys
	ids       *opaque.Keys
	now       time.Time
	material
	located map[located][]vigie.Text
	// sources returns those that quiet notes name.
	sources func() []letter.Source
}

// newComposer reads what the mails to some recipients need.
func (ch *Mail) newComposer(ctx context.Context, states map[int64]*ledger.RecipientState, now time.Time) (*composer, error) {
	c := &composer{settings: ch.Settings, templates: ch.Templates, keys: ch.Keys, ids: ch.Store.IDs(), now: now, located: make(map[located][]vigie.Text)}
	c.sources = sync.OnceValue(func() []letter.Source {
		if ch.Sources == nil {
			return nil
		}
		return ch.Sources(ctx)
	})
	var err error
	c.material, err = readMaterial(ctx, ch.Store, ch.Log, states)
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
	case vigie.WebhookNoteMail:
		note := letter.WebhookNote{Brand: c.settings.Brand, Language: r.Account.Locale}
		for _, w := range content.Stopped {
			note.Webhooks = append(note.Webhooks, letter.StoppedWebhook{Watch: w.WatchName, Host: w.Host, Ended: w.EndedAt != nil})
		}
		l, err = c.templates.WebhookNote(note)
	case vigie.WebhookMessage: // is no mail
	case vigie.DigestMail:
		l, err = c.digest(r, content)
	}
	if err != nil {
		return post.Message{}, err
	}
	return c.message(m, r, content, l), nil
}

// message adds the headers and addresses to a letter.
func (c *composer) message(m *vigie.Mail, r *ledger.RecipientState, content ledger.Content, l letter.Letter) post.Message {
	watches, reminds := content.Watches, content.Reminds()
	leave := c.leaveURL(r)
	host := c.settings.From.Address[strings.LastIndexByte(c.settings.From.Address, '@')+1:]
	list := "vigie." + host
	if len(watches) == 1 && !reminds { // leaving it is leaving everything in this mail
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
	slices.SortStableFunc(d.Reminders.Tenders, func(a, b letter.Tender) int { return a.Deadline.Compare(*b.Deadline) })
	d.Watches = c.watches(r, content.Watches)
	return c.templates.Digest(d)
}

// sectionOf returns the section for a tender's deliveries: the one that matters most to the recipient. Each tender is
// in one section only.
func sectionOf(s *ledger.TenderDeliveries, d *letter.Digest) *letter.Section {
	switch kindOf(s) {
	case vigie.DeliverCancelled:
		return &d.Cancelled
	case vigie.DeliverReminder:
		return &d.Reminders
	case vigie.DeliverNew:
		return &d.New
	case vigie.DeliverCorrected:
		return &d.Corrected
	case vigie.DeliverClosingSoon, vigie.DeliverWithdrawn:
	}
	return &d.ClosingSoon
}

// tender writes the entry of one tender.
func (c *composer) tender(r *ledger.RecipientState, s *ledger.TenderDeliveries, corrected bool) letter.Tender {
	t := letter.TenderOf(s.Tender, c.buyers[s.Tender.BuyerID], c.publications[s.Tender.ID], c.now)
	t.URL = c.settings.tenderPage(s.Tender)
	keywords := foundKeywords(r, s)
	if corrected {
		t.Changes, t.Corrections = c.changes(s)
	}
	for _, id := range slices.Sorted(maps.Keys(keywords)) {
		t.Reasons = append(t.Reasons, letter.Reason{Watch: r.Watches[id].Name, Keywords: keywords[id], Places: c.places(s.Tender, keywords[id])})
	}
	return t
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
