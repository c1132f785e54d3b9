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
	located map[located][]query.Place
	// threads are the mails that later ones about the same tender follow.
	threads map[ledger.Thread]ledger.FirstMail
	// sources returns those that quiet notes name.
	sources func() []letter.Source
}

// newComposer reads what the mails to some recipients need.
func (ch *Mail) newComposer(ctx context.Context, states map[int64]*ledger.RecipientState, now time.Time) (*composer, error) {
	c := &composer{settings: ch.Settings, templates: ch.Templates, keys: ch.Keys, ids: ch.Store.IDs(), now: now, located: make(map[located][]query.Place)}
	c.sources = sync.OnceValue(func() []letter.Source {
		if ch.Sources == nil {
			return nil
		}
		return ch.Sources(ctx)
	})
	var err error
	if c.material, err = readMaterial(ctx, ch.Store, ch.Log, states); err != nil {
		return nil, err
	}
	c.threads, err = ch.Store.Ledger().FirstMails(ctx, states)
	return c, err
}

// compose writes a mail with that content, according to its recipient's present settings.
func (c *composer) compose(m *vigie.Mail, r *ledger.RecipientState, content ledger.Content) (post.Message, error) {
	var l letter.Letter
	var err error
	switch m.Kind {
	case vigie.ConfirmationMail:
		request := letter.Confirmation{
			Brand: c.settings.Brand, Language: r.Account.Locale, URL: c.link(link.ConfirmPath, link.Confirm, r.ID, r.Email),
		}
		if !r.Primary && r.Account.EmailVerified {
			request.AskedBy = r.Account.Email
		}
		l, err = c.templates.Confirmation(request)
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
	message := c.message(m, r, content, l)
	if first, follows := c.thread(m, r, content); follows {
		message.InReplyTo = first
	}
	return message, nil
}

// thread returns the Message-ID of the mail that one about a single tender follows: the first to its recipient about that
// tender alone. A mail about several tenders is in no thread.
func (c *composer) thread(m *vigie.Mail, r *ledger.RecipientState, content ledger.Content) (first string, follows bool) {
	if m.Kind != vigie.DigestMail || len(content.Tenders) != 1 {
		return "", false
	}
	earlier, follows := c.threads[ledger.Thread{RecipientID: r.ID, TenderID: content.Tenders[0].Tender.ID}]
	return earlier.MessageID, follows && earlier.ID < m.ID
}

// message adds the headers and addresses to a letter.
func (c *composer) message(m *vigie.Mail, r *ledger.RecipientState, content ledger.Content, l letter.Letter) post.Message {
	watches, reminds := content.Watches, content.Reminds()
	leave := c.leaveURL(r)
	if len(watches) == 0 && reminds { // alerts go on
		leave = c.stopRemindersURL(r)
	}
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

func (c *composer) stopRemindersURL(r *ledger.RecipientState) string {
	return c.link(link.LeavePath, link.StopReminders, r.ID, r.Email)
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
			list[i].EditURL = c.watchURL(w)
		}
	}
	return list
}

// digest writes what happened to tenders.
func (c *composer) digest(r *ledger.RecipientState, content ledger.Content) (letter.Letter, error) {
	d := letter.Digest{Brand: c.settings.Brand, Language: r.Account.Locale, MoreURL: c.settings.WatchesURL, LeaveURL: c.leaveURL(r), StopRemindersURL: c.stopRemindersURL(r)}
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
	t.At = c.now
	c.addLinks(&t, r, s)
	keywords := foundKeywords(r, s)
	if corrected {
		t.Changes, t.Corrections = c.changes(s)
		t.FormerDeadline = c.formerDeadline(s)
	}
	var all []string
	for _, id := range slices.Sorted(maps.Keys(keywords)) {
		reason := letter.Reason{Watch: r.Watches[id].Name, Keywords: keywords[id], Places: labelsOf(c.places(s.Tender, keywords[id]))}
		if r.Primary {
			reason.WatchURL = c.watchURL(r.Watches[id])
		}
		t.Reasons, all = append(t.Reasons, reason), append(all, keywords[id]...)
	}
	slices.Sort(all)
	t.Excerpts = excerptsOf(c.places(s.Tender, slices.Compact(all)))
	return t
}

// addLinks adds the pages of a tender. The title leads the account to the platform, and others, who may have no account
// there, to the notice at its source. Only the account itself can dismiss a tender: its colleagues go on getting alerts.
func (c *composer) addLinks(t *letter.Tender, r *ledger.RecipientState, s *ledger.TenderDeliveries) {
	if c.settings.TenderURL != "" {
		t.PageURL = c.settings.tenderPage(s.Tender)
		if r.Primary || letter.Link(t.URL) == "" {
			t.URL = t.PageURL
		}
	}
	if r.Primary && s.Tender.Status(c.now) == vigie.StatusOnline {
		t.DismissURL = c.link(link.DismissPath, link.Dismiss, s.Deliveries[0].ID, r.Email)
	}
}

func (c *composer) watchURL(w ledger.FollowedWatch) string {
	return link.Fill(c.settings.WatchURL, "{watchId}", c.ids.ID(vigie.KindWatch, w.WatchID))
}

// located names keywords in a tender.
type located struct {
	tender   int64
	keywords string
}

// places are where a tender has keywords. Many recipients have the same keywords.
func (c *composer) places(t *vigie.Tender, keywords []string) []query.Place {
	key := located{t.ID, strings.Join(keywords, "\n")}
	places, ok := c.located[key]
	if !ok {
		places = query.PlacesOfFound(t, keywords)
		c.located[key] = places
	}
	return places
}

// labelsOf names places, each once.
func labelsOf(places []query.Place) []vigie.Text {
	var named []vigie.Text
	for _, p := range places {
		if label := p.Label(); !slices.Contains(named, label) {
			named = append(named, label)
		}
	}
	return named
}

// excerptsOf returns the texts in which keywords are, first one for each keyword. What a place's name says whole, such as a
// code, is left out.
func excerptsOf(places []query.Place) []letter.Excerpt {
	var first, rest []query.Place
	for i, p := range places {
		if i == 0 || places[i-1].Keyword != p.Keyword {
			first = append(first, p)
		} else {
			rest = append(rest, p)
		}
	}
	var list []letter.Excerpt
	for _, p := range append(first, rest...) {
		if p.Kind != query.InTitle && p.Kind != query.InLot && p.Kind != query.InDescription {
			continue
		}
		at := slices.IndexFunc(list, func(e letter.Excerpt) bool { return e.Place == p.Label() && e.Text == p.Text })
		if at < 0 {
			at = len(list)
			list = append(list, letter.Excerpt{Place: p.Label(), Text: p.Text})
		}
		list[at].Spans = append(list[at].Spans, p.Spans...)
	}
	return list
}
