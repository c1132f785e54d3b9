package alert_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"vigie"
	"vigie/alert"
	"vigie/alert/letter"
	"vigie/alert/post"
	"vigie/store/storetest"
)

// Random walks over everything that people and publishers do, compared with the model: nothing that is owed is lost,
// nothing is sent twice, nothing is sent that must not be. The ledger and the sender run at random moments, so that
// each action happens before, between and after their work, and the mail server and the webhooks refuse messages temporarily at random.
//
// VIGIE_TEST_WALKS is the number of walks on SQLite; PostgreSQL gets a twentieth. They are the same each time, unless
// VIGIE_TEST_SEED is set.
func TestWalks(t *testing.T) {
	walks, seed := int64(5_000), seeded(t, 1)
	if testing.Short() {
		walks = 20
	}
	if text := os.Getenv("VIGIE_TEST_WALKS"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		walks = n
	}
	t.Logf("VIGIE_TEST_SEED=%d VIGIE_TEST_WALKS=%d", seed, walks)
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			left := walks
			if kind == "postgres" {
				left = max(1, walks/20)
			}
			for stream := uint64(0); left > 0; stream++ {
				some := int(min(left, together))
				left -= together
				t.Run(fmt.Sprint(stream), func(t *testing.T) {
					t.Parallel()
					newStroll(t, open(t), rand.New(rand.NewPCG(seed, stream)), some).run()
				})
			}
		})
	}
}

// seeded returns VIGIE_TEST_SEED, or a seed if that is not set.
func seeded(t *testing.T, seed uint64) uint64 {
	text := os.Getenv("VIGIE_TEST_SEED")
	if text == "" {
		return seed
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

const (
	// together is how many walks share a database and its clock.
	together = 100
	// steps is how many actions a walk has.
	steps = 14
	// between keeps deadlines from falling on the very moment of a step.
	between = 17 * time.Minute
)

// stroll is the walks of one world.
type stroll struct {
	*world
	hookSender *alert.Sender
	random     *rand.Rand
	walks      []*walk
	byName     map[string]*modelTender
	step       int
	// heard are the ids of what webhooks accepted; replays is how many messages were to be sent to them again, repeated how many were.
	heard             map[string]bool
	replays, repeated int
}

// walk is one account with its watches, and the tenders that are published for it.
type walk struct {
	*stroll
	model
	name    string
	account *vigie.Account
	stored  []*vigie.Watch
	own     *modelPerson
	team    *modelPerson
	// hooks are the webhooks of the watches, as the model has them, hookOf as they are stored.
	hooks  []*modelPerson
	hookOf []*vigie.Webhook
	// notices are what was published of a tender; copied is the number of one of them at another source.
	notices map[*modelTender][]*vigie.Notice
	copied  map[*modelTender]string
	// tenderIDs are those of the tenders that are stored.
	tenderIDs map[*modelTender]int64
	log       []string
}

func newStroll(t *testing.T, url string, random *rand.Rand, n int) *stroll {
	s := &stroll{world: newWorld(t, url), random: random, byName: make(map[string]*modelTender), heard: make(map[string]bool)}
	templates, err := letter.Load(fstest.MapFS{"digest.txt": {Data: []byte("{{range .Sections}}{{$kind := .Kind}}{{range .Tenders}}{{$kind}} {{.Title}}\n{{end}}{{end}}")}})
	if err != nil {
		t.Fatal(err)
	}
	s.world.mail.Templates = templates
	s.hookSender = newSender(t, s.store, s.mailer, s.sender.Now)
	s.hookSender.Channel, s.mailer.sending = walkHooks{s.mailer}, s.replayMeanwhile
	for i := range n {
		s.walks = append(s.walks, s.newWalk(letters(i)))
	}
	return s
}

// letters writes a number in letters that no rule of French changes.
func letters(n int) string {
	const digits = "bcdfgkmnpr"
	var text strings.Builder
	for _, digit := range fmt.Sprintf("%04d", n) {
		text.WriteByte(digits[digit-'0'])
	}
	return text.String()
}

func (s *stroll) newWalk(name string) *walk {
	w := &walk{
		stroll: s, name: name, account: s.signIn(name),
		notices: make(map[*modelTender][]*vigie.Notice), copied: make(map[*modelTender]string), tenderIDs: make(map[*modelTender]int64),
	}
	w.own = &modelPerson{address: name + "@example.org", vouched: true, own: true}
	w.team = &modelPerson{address: "team-" + name + "@example.org", agreed: true}
	w.people = []*modelPerson{w.own, w.team}
	for i, word := range []string{"voi" + name, "pon" + name} {
		frequency := vigie.Frequencies()[s.random.IntN(2)]
		w.stored = append(w.stored, s.watch(w.account, fmt.Sprint("Veille ", i), frequency, word, w.team.address))
		w.watches = append(w.watches, &modelWatch{
			name: fmt.Sprint("watch ", i), word: word, active: true, follows: map[*modelPerson]bool{w.own: true, w.team: true},
		})
	}
	s.consentsOf(w.account, w.team.address)
	for i := range w.stored {
		w.addHook(i)
	}
	w.wants([]int{7, 2})
	return w
}

// run takes all steps of all walks, and then two quiet weeks.
func (s *stroll) run() {
	for range steps {
		for _, w := range s.walks {
			s.step++
			w.now = s.now
			w.act()
			w.review()
		}
		s.mailer.refuse = nil
		if s.random.IntN(4) == 0 {
			s.mailer.refuse = func(post.Message) error {
				if s.random.IntN(2) == 0 {
					return nil
				}
				return &post.Error{Kind: post.Temporary, Code: 451, Reply: "451 later"}
			}
		}
		s.workSome()
		s.pass()
		if s.t.Failed() {
			break
		}
	}
	s.mailer.refuse = nil
	for range 8 { // a digest a day, mails that were refused, and the spacing between them
		s.workAll()
		s.now = s.now.Add(26 * time.Hour)
	}
	s.workAll()
	if s.repeated > s.replays {
		s.t.Errorf("%d messages to webhooks were sent again, of which %d were asked for", s.repeated, s.replays)
	}
	for _, w := range s.walks {
		w.now = s.now
		if lost := w.lost(); len(lost) > 0 {
			w.fail(strings.Join(lost, "; "))
		}
	}
}

// workSome runs the ledger and the sender, or one of them, or neither.
func (s *stroll) workSome() {
	if s.random.IntN(3) > 0 {
		s.read()
	}
	if s.random.IntN(3) > 0 {
		s.mail()
	}
}

func (s *stroll) workAll() {
	s.read()
	s.mail()
}

// read makes the ledger read all that was published.
func (s *stroll) read() {
	s.t.Helper()
	s.enter()
	for _, w := range s.walks {
		w.now = s.now
		w.model.read()
	}
}

// pass lets some time pass. Before a long time everything is read: a notice that is read a week late alerts nobody.
func (s *stroll) pass() {
	if s.random.IntN(3) > 0 {
		s.now = s.now.Add([]time.Duration{time.Second, 10 * time.Minute, 5 * time.Hour}[s.random.IntN(3)])
		return
	}
	s.workAll()
	s.now = s.now.Add([]time.Duration{day, 25 * time.Hour, 3 * day, 12 * day, 31 * day}[s.random.IntN(5)])
	for _, w := range s.walks {
		w.now = s.now
		w.review()
	}
}

// mail sends what is due, and compares it with what is owed.
func (s *stroll) mail() {
	s.t.Helper()
	for _, sender := range []*alert.Sender{s.sender, s.hookSender} {
		if err := sender.Step(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
	byAddress := make(map[string]*walk, 4*len(s.walks))
	for _, w := range s.walks {
		w.now = s.now
		for _, p := range w.people {
			byAddress[p.address] = w
		}
	}
	for _, m := range s.mailer.messages {
		w := byAddress[m.To]
		if s.isReplay(m) {
			w.note("again to %s: %s", m.To, m.Text)
			continue
		}
		person := w.people[slices.IndexFunc(w.people, func(p *modelPerson) bool { return p.address == m.To })]
		for line := range strings.Lines(m.Text) {
			section, title, _ := strings.Cut(strings.TrimSpace(line), " ")
			_, ref, _ := strings.Cut(title, "objet ")
			t := s.byName[ref]
			if t == nil {
				continue // a quiet note, or a request for consent
			}
			w.note("mail to %s: %s", m.To, strings.TrimSpace(line))
			if wrong := w.mailed(person, section, t); wrong != "" {
				w.fail(fmt.Sprintf("%s is mailed « %s », but %s", m.To, strings.TrimSpace(line), wrong))
			}
		}
	}
	s.mailer.messages = nil
}

func (w *walk) note(format string, values ...any) {
	w.log = append(w.log, w.stroll.now.Format("01-02 15:04:05 ")+fmt.Sprintf(format, values...))
}

func (w *walk) fail(why string) {
	w.t.Helper()
	w.t.Errorf("walk %s: %s\n\t%s", w.name, why, strings.Join(w.log, "\n\t"))
}

// act does one random thing that is possible now.
func (w *walk) act() {
	i := w.random.IntN(len(w.watches))
	watch, stored := w.watches[i], w.stored[i]
	switch w.random.IntN(29) {
	case 0, 1, 2, 3:
		w.publishOne()
	case 4:
		w.correctOne()
	case 5, 26:
		w.cancelOne()
	case 27, 28:
		w.reopenOne()
	case 6, 7:
		w.toggle(watch, stored)
	case 8, 9:
		w.deleteOrRestore(watch, stored)
	case 10:
		w.token()
	case 11:
		w.leaveOrConfirm()
	case 12:
		w.removeOrName(watch, stored)
	case 13: // nothing
	case 14:
		w.importQuietly()
	case 15:
		w.withdrawOne()
	case 16:
		w.mergeTwo()
	case 19:
		w.toggleHook()
	case 20:
		w.replayHook(w.hookOf[w.random.IntN(len(w.hooks))])
	case 21, 22, 25:
		w.mark()
	case 23:
		w.chooseDays()
	case 24:
		w.moveDeadline()
	case 17, 18:
		if t := w.online(); t != nil {
			w.copyOne(t)
		}
	}
}

// words returns a random title: with one watch's word, the other's, or both.
func (w *walk) words() string {
	return []string{w.watches[0].word, w.watches[1].word, w.watches[0].word + " et " + w.watches[1].word}[w.random.IntN(3)]
}

func (w *walk) newTender() *modelTender {
	t := &modelTender{
		name: fmt.Sprintf("%s-%d", w.name, w.step), words: w.words(), dossiers: make(map[*modelPerson]*dossier),
		deadline: w.stroll.now.Add(between + []time.Duration{12 * day, 20 * day, 100 * day}[w.random.IntN(3)]),
	}
	w.tenders = append(w.tenders, t)
	w.byName[t.name] = t
	return t
}

func (w *walk) publishOne() {
	t := w.newTender()
	w.note("publish %s: %s", t.name, t.words)
	w.announce(t, t.name, t.words, until(&t.deadline))
	w.published(t, w.step)
}

// announce publishes a notice of a tender, which other sources may publish too.
func (w *walk) announce(t *modelTender, ref, words string, edit ...func(*vigie.Notice)) {
	published := w.publish(ref, words+" objet "+t.name, append(edit, func(n *vigie.Notice) { n.Identifier = ref + "-01" })...)
	w.notices[t] = append(w.notices[t], published.Notice)
	w.tenderIDs[t] = published.Notice.TenderID
}

// copyOne publishes one of a tender's notices at another source, where it is the same and changes nothing.
func (w *walk) copyOne(t *modelTender) {
	all := w.notices[t]
	if len(all) == 0 {
		return
	}
	n := *all[w.random.IntN(len(all))]
	if n.Quiet { // its copy would be the first to alert
		return
	}
	n.Source, n.SourceRef, n.Quiet = "other", "o-"+n.SourceRef, w.random.IntN(2) == 0
	w.copied[t] = n.SourceRef
	if w.random.IntN(2) == 0 {
		n.PublishedAt = w.stroll.now
	}
	w.note("copy %s of %s, quietly: %v", n.Identifier, t.name, n.Quiet)
	if _, err := w.store.Publish(w.t.Context(), []*vigie.Notice{&n}); err != nil {
		w.t.Fatal(err)
	}
	w.indexed()
}

// online returns one of the open tenders, nil for none.
func (w *walk) online() *modelTender {
	var list []*modelTender
	for _, t := range w.tenders {
		if !w.closed(t) {
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[w.random.IntN(len(list))]
}

func (w *walk) correctOne() {
	t := w.online()
	if t == nil {
		return
	}
	t.words = w.words()
	w.note("correct %s: %s", t.name, t.words)
	w.correct(t)
}

// correct publishes a correction that says what a tender is now.
func (w *walk) correct(t *modelTender) {
	w.announce(t, fmt.Sprintf("%s-c%d", t.name, w.step), t.words, about(vigie.Correction, t.name), until(&t.deadline))
	w.published(t, w.step)
}

// importQuietly publishes a notice that alerts nobody: of a new tender, or a correction.
func (w *walk) importQuietly() {
	quiet := func(n *vigie.Notice) { n.Quiet = true }
	if t := w.online(); t != nil && w.random.IntN(2) == 0 {
		words := w.words()
		w.note("correct %s quietly: %s", t.name, words)
		w.announce(t, fmt.Sprintf("%s-q%d", t.name, w.step), words, about(vigie.Correction, t.name), quiet)
		w.changedQuietly(t, words)
		return
	}
	t := w.newTender()
	w.note("import %s quietly: %s", t.name, t.words)
	w.announce(t, t.name, t.words, until(&t.deadline), quiet)
}

func (w *walk) withdrawOne() {
	t := w.online()
	if t == nil {
		return
	}
	w.note("withdraw %s", t.name)
	for source, ref := range map[string]string{"test": t.name, "other": w.copied[t]} {
		if _, err := w.store.Withdraw(w.t.Context(), source, ref); err != nil && vigie.CodeOf(err) != vigie.NotFound {
			w.t.Fatal(err)
		}
	}
	w.withdrawn(t)
}

// mergeTwo publishes a correction by which two tenders turn out to be one, perhaps quietly.
func (w *walk) mergeTwo() {
	a, b := w.online(), w.online()
	if a == nil || a == b {
		return
	}
	if slices.Index(w.tenders, b) < slices.Index(w.tenders, a) {
		a, b = b, a // the older one stays
	}
	words, quiet := w.words(), w.random.IntN(2) == 0
	w.note("merge %s and %s: %s, quietly: %v", a.name, b.name, words, quiet)
	w.announce(a, fmt.Sprintf("%s-m%d", a.name, w.step), words, about(vigie.Correction, a.name), until(&a.deadline), func(n *vigie.Notice) {
		n.Links, n.Quiet = append(n.Links, b.name), quiet
	})
	w.byName[b.name] = a
	w.notices[a] = append(w.notices[a], w.notices[b]...)
	w.copied[a] = cmp.Or(w.copied[a], w.copied[b])
	w.merged(a, b)
	if w.changedQuietly(a, words); !quiet {
		w.published(a, w.step)
	}
}

func (w *walk) cancelOne() {
	t := w.online()
	if t == nil {
		return
	}
	w.note("cancel %s", t.name)
	w.announce(t, fmt.Sprintf("%s-x%d", t.name, w.step), t.words, about(vigie.Cancellation, t.name))
	if w.random.IntN(2) == 0 {
		w.copyOne(t)
	}
	w.cancelled(t, w.step)
}

// reopenOne announces a cancelled tender again.
func (w *walk) reopenOne() {
	var list []*modelTender
	for _, t := range w.tenders {
		if t.cancelled > 0 && t.over && !t.mistaken && t.deadline.After(w.stroll.now) {
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		return
	}
	t := list[w.random.IntN(len(list))]
	t.words = w.words()
	w.note("announce %s again: %s", t.name, t.words)
	w.announce(t, fmt.Sprintf("%s-n%d", t.name, w.step), t.words, about(vigie.ContractNotice, t.name), until(&t.deadline))
	w.reopened(t, w.step)
}

func (w *walk) toggle(watch *modelWatch, stored *vigie.Watch) {
	switch {
	case !watch.deleted.IsZero():
	case watch.active:
		w.note("pause %s", watch.name)
		w.pause(w.account, stored)
		watch.active, watch.pausedAt = false, w.step
	default:
		catchUp := w.random.IntN(2) == 0
		w.note("resume %s, to catch up: %v", watch.name, catchUp)
		w.resume(w.account, stored, catchUp)
		watch.active = true
		if catchUp {
			w.stroll.read() // what it asked for is owed once the catch-up has run
			w.caughtUp(watch)
		}
	}
}

func (w *walk) deleteOrRestore(watch *modelWatch, stored *vigie.Watch) {
	switch {
	case watch.deleted.IsZero():
		w.note("delete %s", watch.name)
		w.remove(w.account, stored)
		watch.deleted = w.stroll.now
		if watch.active {
			watch.pausedAt = w.step
		}
	case w.stroll.now.Sub(watch.deleted) < vigie.RestorableFor:
		w.note("restore %s", watch.name)
		w.restore(w.account, stored)
		watch.deleted = time.Time{}
		if watch.active {
			w.stroll.read()
			w.caughtUp(watch)
		}
	}
}

func (w *walk) token() {
	verified := w.random.IntN(2) == 0
	w.note("token, verified: %v", verified)
	w.stroll.token(w.account, verified)
	w.own.wasVouched = w.own.vouched || w.own.wasVouched
	w.own.vouched = verified
}

func (w *walk) leaveOrConfirm() {
	p := []*modelPerson{w.own, w.team}[w.random.IntN(2)]
	id := w.recipientOf(p)
	if p.left || w.random.IntN(3) == 0 {
		w.note("%s confirms", p.address)
		w.must(w.store.Ledger().Confirm(w.t.Context(), id, p.address))
		p.left, p.agreed = false, true
		w.back(p)
		return
	}
	w.note("%s leaves", p.address)
	w.must(w.store.Ledger().Leave(w.t.Context(), id, p.address))
	p.left = true
}

// recipientOf returns the id of a person's address.
func (w *walk) recipientOf(p *modelPerson) int64 {
	for _, stored := range w.stored {
		all, err := w.store.Ledger().AllRecipients(w.t.Context(), w.account, stored.ID)
		w.must(err)
		for _, r := range all {
			if r.Email == p.address {
				who, err := w.store.Ledger().Subscriber(w.t.Context(), r.ID)
				w.must(err)
				return who.RecipientID
			}
		}
	}
	w.t.Fatalf("%s is on no watch", p.address)
	return 0
}

func (w *walk) removeOrName(watch *modelWatch, stored *vigie.Watch) {
	if !watch.deleted.IsZero() {
		return
	}
	on := !watch.follows[w.own]
	w.note("%s writes to %s: %v", watch.name, w.own.address, on)
	if _, err := w.store.UpdateWatch(w.t.Context(), w.account, stored.ID, func(*vigie.Watch) {}, &on, nil); err != nil {
		w.t.Fatal(err)
	}
	watch.follows[w.own] = on
	if on {
		w.back(w.own)
	}
}
