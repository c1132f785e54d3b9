package alert_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/feed"
	"vigie/store"
	"vigie/store/storetest"
)

// world is a database with a clock of its own, the ledger and the sender that work on it step by step, and a mailer
// that keeps all mail.
type world struct {
	t       testing.TB
	store   *store.Store
	ledger  *alert.Alerter
	sender  *alert.Sender
	mail    *alert.Mail
	mailer  *mailbox
	account *vigie.Account
	index   store.SearchIndex
	now     time.Time
	lag     bool // the index does not follow
}

const indexVersion = "test"

// monday is Monday 9 November 2026, 10 h in Paris.
func monday() time.Time { return time.Date(2026, time.November, 9, 9, 0, 0, 0, time.UTC) }

// onBoth runs a test on each kind of database, on both at the same time, once its caller has returned.
func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	onBothAt(t, func(t *testing.T, w *world, _ string) { test(t, w) })
}

// onBothAt is [onBoth] for tests that open the database once more.
func onBothAt(t *testing.T, test func(t *testing.T, w *world, url string)) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			url := open(t)
			test(t, newWorld(t, url), url)
		})
	}
}

func newWorld(t testing.TB, url string) *world {
	w := &world{t: t, now: monday(), mailer: &mailbox{}}
	clock := func() time.Time { return w.now }
	var err error
	if w.store, err = store.Open(t.Context(), url, clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	w.ledger = &alert.Alerter{
		Store: w.store, Matcher: feed.NewMatcher(prometheus.NewRegistry(), log), Now: clock, Log: log, MaxAge: 7 * 24 * time.Hour,
	}
	w.sender = newSender(t, w.store, w.mailer, clock)
	w.mail = w.sender.Channel.(*alert.Mail)
	w.account = w.signIn("ana")
	if w.index, err = w.store.BeginIndex(t.Context(), indexVersion); err != nil {
		t.Fatal(err)
	}
	w.indexed()
	return w
}

// builtIn are the templates of letters, which load slowly under the race detector.
var builtIn = sync.OnceValues(func() (*letter.Templates, error) { return letter.Load(nil) })

func newSender(t testing.TB, s *store.Store, mailer post.Mailer, clock func() time.Time) *alert.Sender {
	t.Helper()
	templates, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := link.New([]string{strings.Repeat("s", 32)})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	return &alert.Sender{
		Store: s, Now: clock, Lease: 90 * time.Second, Spacing: time.Minute,
		Log: log, IndexVersion: indexVersion, Metrics: alert.NewMetrics(prometheus.NewRegistry()),
		Channel: &alert.Mail{Store: s, Mailer: mailer, Templates: templates, Keys: keys, Log: log, Settings: alert.Settings{
			Brand: letter.Brand{Name: "Vigie"}, From: mail.Address{Name: "Vigie", Address: "veille@vigie.example"},
			PublicURL: "https://vigie.example", WatchesURL: "https://platform.example/veilles",
			WatchURL: "https://platform.example/veilles/{watchId}", TenderURL: "https://platform.example/{source}/{sourceRef}",
		}},
	}
}

// mailbox is a mailer that keeps messages, or refuses them.
type mailbox struct {
	mutex    sync.Mutex
	messages []post.Message
	// refuse returns why a message is not accepted, nil if it is.
	refuse func(post.Message) error
	// sending is called while a message is sent.
	sending func(post.Message)
}

func (b *mailbox) Send(_ context.Context, m post.Message) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.sending != nil {
		b.sending(m)
	}
	if b.refuse != nil {
		if err := b.refuse(m); err != nil {
			return err
		}
	}
	b.messages = append(b.messages, m)
	return nil
}

func (b *mailbox) AtOnce() int { return 1 }

func (b *mailbox) Close() error { return nil }

// signIn creates an account with a verified address.
func (w *world) signIn(name string) *vigie.Account {
	w.t.Helper()
	account, err := w.store.SignIn(w.t.Context(), store.Claims{
		Issuer: "test", Subject: name, Email: name + "@example.org", EmailVerified: true,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return account
}

// watch creates an active watch of the account for a keyword.
func (w *world) watch(account *vigie.Account, name string, f vigie.Frequency, keyword string, others ...string) *vigie.Watch {
	w.t.Helper()
	made, err := w.store.CreateWatch(w.t.Context(), account, vigie.Watch{
		Name: name, NameKey: strings.ToLower(name), Active: true, Frequency: f,
		Criteria: vigie.Criteria{Keywords: []string{keyword}, KeywordMode: vigie.AllKeywords},
	}, true, others)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// change edits a watch of the account.
func (w *world) change(account *vigie.Account, id int64, change func(*vigie.Watch)) {
	w.t.Helper()
	if _, err := w.store.UpdateWatch(w.t.Context(), account, id, change, nil, nil); err != nil {
		w.t.Fatal(err)
	}
}

// publish publishes a contract notice with that reference, changed by edit.
func (w *world) publish(ref, title string, edit ...func(*vigie.Notice)) store.Published {
	w.t.Helper()
	n := &vigie.Notice{
		Source: "test", SourceRef: ref, Kind: vigie.ContractNotice, PublishedAt: w.now,
		Buyer: vigie.BuyerName{Name: "Commune d'Exemple"}, Content: vigie.Content{Title: title, Deadline: w.in(40 * 24 * time.Hour)},
	}
	for _, change := range edit {
		change(n)
	}
	results, err := w.store.Publish(w.t.Context(), []*vigie.Notice{n})
	if err != nil {
		w.t.Fatal(err)
	}
	w.indexed()
	return results[0]
}

// about makes a notice one of that kind about an earlier one.
func about(kind vigie.NoticeKind, ref string) func(*vigie.Notice) {
	return func(n *vigie.Notice) {
		n.Kind, n.Links = kind, []string{ref}
		if kind != vigie.ContractNotice {
			n.Content.Deadline = nil
		}
	}
}

// until gives a notice a deadline.
func until(deadline *time.Time) func(*vigie.Notice) {
	return func(n *vigie.Notice) { n.Content.Deadline = deadline }
}

// in returns a time in the future.
func (w *world) in(d time.Duration) *time.Time { return new(w.now.Add(d)) }

// indexed makes the search index contain everything.
func (w *world) indexed() {
	w.t.Helper()
	if w.lag {
		return
	}
	last, err := w.store.Database().LastNumber(w.t.Context())
	if err == nil {
		err = w.store.IndexReached(w.t.Context(), w.index.Name, last)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// work does all there is to do now, and returns the mails that were sent, as lines "to: what they say".
func (w *world) work() []string {
	w.t.Helper()
	w.enter()
	return w.send()
}

func (w *world) enter() {
	w.t.Helper()
	if err := w.ledger.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) send() []string {
	w.t.Helper()
	if err := w.sender.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, m := range w.mailer.messages {
		lines = append(lines, fmt.Sprintf("%s: %s", strings.TrimSuffix(m.To, "@example.org"), said(m)))
	}
	w.mailer.messages = nil
	return lines
}

// said is what a mail says at its top: how many tenders it has of each kind, and about which watch; of reminders alone, how
// many; of others, the subject.
func said(m post.Message) string {
	lines := strings.SplitN(m.Text, "\n", 5)
	if len(lines) == 5 && lines[3] == "" && strings.Contains(lines[2], "approche") {
		return lines[2]
	}
	if len(lines) < 5 || !strings.HasPrefix(lines[3], "Veille ") && !strings.HasSuffix(lines[3], " veilles") {
		return m.Subject
	}
	return lines[2] + " – " + strings.Replace(lines[3], "Veille ", "veille ", 1)
}

// after enters what was published, lets time pass, and works.
func (w *world) after(d time.Duration) []string {
	w.t.Helper()
	w.enter()
	w.now = w.now.Add(d)
	return w.work()
}

// expect compares the mails that were sent with those expected.
func (w *world) expect(when string, got []string, want ...string) {
	w.t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.t.Errorf("%s: mails\n\t%s\nnot\n\t%s", when, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// subscription returns the id of the first address's subscription to a watch.
func (w *world) subscription(account *vigie.Account, watch *vigie.Watch) *vigie.Recipient {
	w.t.Helper()
	byWatch, err := w.store.Ledger().Recipients(w.t.Context(), account, []int64{watch.ID})
	if err != nil {
		w.t.Fatal(err)
	}
	return byWatch[watch.ID][0]
}

// recipient returns the id of the first address of a watch.
func (w *world) recipient(account *vigie.Account, watch *vigie.Watch) int64 {
	w.t.Helper()
	who, err := w.store.Ledger().Subscriber(w.t.Context(), w.subscription(account, watch).ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return who.RecipientID
}

// consents makes the owner of an address consent, on the account's watches.
func (w *world) consents(address string) { w.t.Helper(); w.consentsOf(w.account, address) }

// consentsOf is the same for another account's watches.
func (w *world) consentsOf(account *vigie.Account, address string) {
	w.t.Helper()
	watches, err := w.store.Watches(w.t.Context(), account.ID, store.WatchFilter{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, watch := range watches {
		byWatch, err := w.store.Ledger().Recipients(w.t.Context(), account, []int64{watch.ID})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range byWatch[watch.ID] {
			if r.Email != address {
				continue
			}
			who, err := w.store.Ledger().Subscriber(w.t.Context(), r.ID)
			if err == nil {
				err = w.store.Ledger().Confirm(w.t.Context(), who.RecipientID, who.Email)
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// dismiss makes an account dismiss a tender.
func (w *world) dismiss(account *vigie.Account, tender int64) {
	w.t.Helper()
	if err := w.store.SetMark(w.t.Context(), account.ID, store.Dismissed, true, []int64{tender}); err != nil {
		w.t.Fatal(err)
	}
}
