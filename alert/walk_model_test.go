package alert_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vigie"
)

// model computes in the simplest way what a walk's recipients are owed: at the moment when something is published or
// requested, from the state at that moment, without cursors, mails, leases or digest hours.
//
// What the model demands must be mailed. Where the promise is open, for example if a recipient leaves and rejoins
// before anything was sent, it demands nothing; but what it never demanded must not be mailed at all.
type model struct {
	now     time.Time
	watches []*modelWatch
	people  []*modelPerson
	tenders []*modelTender
	days    []int // before a deadline, at which the account is reminded
	mails   int   // how many there were
}

type modelWatch struct {
	name     string
	word     string
	active   bool
	deleted  time.Time // zero unless deleted
	pausedAt int       // how many things had happened when it was last switched off
	follows  map[*modelPerson]bool
}

type modelPerson struct {
	address string
	// agreed is consent by link; vouched and wasVouched are verification by the issuer.
	agreed, vouched, wasVouched, left bool
	// own is whether it is the account's own address, hook the watch of a webhook.
	own  bool
	hook *modelWatch
}

type modelTender struct {
	name string
	// words are the words of its title; changed is when a notice about it was last published.
	words   string
	changed int
	// corrected and cancelled are when it was last corrected, and when it was cancelled; 0 for never.
	corrected, cancelled int
	deadline             time.Time
	over                 bool
	// mistaken reports whether its notices were withdrawn.
	mistaken bool
	interest *modelInterest // nil for none
	dossiers map[*modelPerson]*dossier
	// unread reports whether the ledger has notices about it still to read; attentive are the watches that were on when
	// one of these came.
	unread    bool
	attentive map[*modelWatch]bool
}

// dossier holds what a recipient is owed, and was sent, about a tender.
type dossier struct {
	// may reports whether anything was ever owed: nothing else may be mailed.
	may bool
	// news counts the mails in which the tender was new; informed reports whether any mail said that it is new or corrected.
	news     int
	informed bool
	// upTo is the last correction that was owed; ended reports whether the cancellation was.
	upTo  int
	ended bool
	// last is which mail of all was the last about the tender, but for one that it closes soon; lastEnded whether that said
	// that it is cancelled.
	last      int
	lastEnded bool
	// because are the watches because of which the recipient was alerted.
	because   map[*modelWatch]bool
	owed      []*debt
	reminders []*modelReminder
}

// debt is a mail that a person is owed.
type debt struct {
	cancelled bool // it says that the tender is cancelled
	first     bool // it says that the tender is new
	because   map[*modelWatch]bool
	// blocked is since when it must not be sent; zero while it may.
	blocked time.Time
}

func (w *modelWatch) on() bool { return w.active && w.deleted.IsZero() }

func (p *modelPerson) mayGet() bool { return (p.agreed || p.vouched) && !p.left }

// consented reports whether a recipient is owed mail, even if it has to wait.
func (p *modelPerson) consented() bool { return (p.agreed || p.vouched || p.wasVouched) && !p.left }

func (t *modelTender) of(p *modelPerson) *dossier {
	d := t.dossiers[p]
	if d == nil {
		d = &dossier{because: make(map[*modelWatch]bool)}
		t.dossiers[p] = d
	}
	return d
}

func (w *modelWatch) matches(words string) bool { return strings.Contains(words, w.word) }

// owe records that a recipient is owed a mail about a tender because of watches.
func (m *model) owe(t *modelTender, p *modelPerson, because map[*modelWatch]bool, cancelled bool) {
	if len(because) == 0 {
		return
	}
	d := t.of(p)
	d.may = true
	first := d.news == 0 && !cancelled
	d.owed = append(d.owed, &debt{because: because, cancelled: cancelled, first: first})
	for _, earlier := range d.owed { // one more reason for a mail that is still owed
		if earlier.first && !cancelled {
			for w := range because {
				earlier.because[w] = true
			}
		}
	}
	m.review()
}

// published handles a first notice about a tender, or a correction.
func (m *model) published(t *modelTender, step int) {
	if t.unread {
		m.reread(t)
	}
	if t.changed > 0 {
		t.corrected = step
	}
	t.changed, t.unread = step, true
	for _, w := range m.watches {
		if w.on() {
			t.attend(w)
		}
	}
	for _, p := range m.people {
		if !p.consented() {
			continue
		}
		because := make(map[*modelWatch]bool)
		for _, w := range m.watches {
			if w.on() && w.follows[p] && (w.matches(t.words) || t.of(p).because[w]) {
				because[w] = true
			}
		}
		if len(because) > 0 {
			t.of(p).upTo = step
		}
		m.owe(t, p, because, false)
	}
}

// changedQuietly handles a notice that alerts nobody. An earlier one that the ledger has still to read alerts of the
// tender as it is then, so it may be mailed to those whose watch matches it only now; it is not owed.
func (m *model) changedQuietly(t *modelTender, words string) {
	t.words = words
	if !t.unread {
		return
	}
	m.reread(t)
	for w := range t.attentive {
		for _, p := range m.people {
			if w.follows[p] && w.matches(words) {
				t.of(p).may = true
			}
		}
	}
}

// attend records that a watch was on when a notice came that the ledger has still to read.
func (t *modelTender) attend(w *modelWatch) {
	if t.attentive == nil {
		t.attentive = make(map[*modelWatch]bool)
	}
	t.attentive[w] = true
}

// withdrawn handles that all notices of a tender were taken back.
func (m *model) withdrawn(t *modelTender) {
	t.over, t.mistaken = true, true
	for _, d := range t.dossiers {
		d.owed = nil
	}
}

// merged handles that a tender turns out to be another one, which stays: it is new to nobody who was mailed that either
// of them is.
func (m *model) merged(t, other *modelTender) {
	m.tenders = slices.DeleteFunc(m.tenders, func(t *modelTender) bool { return t == other })
	t.changed, t.unread = max(t.changed, other.changed), t.unread || other.unread
	t.corrected = max(t.corrected, other.corrected)
	t.mergeReminders(other)
	for w := range other.attentive {
		t.attend(w)
	}
	for p, was := range other.dossiers {
		d := t.of(p)
		d.may, d.informed, d.news = d.may || was.may, d.informed || was.informed, max(d.news, was.news)
		d.upTo = max(d.upTo, was.upTo)
		if was.last > d.last {
			d.last, d.lastEnded = was.last, was.lastEnded
		}
		maps.Copy(d.because, was.because)
		d.owed = append(d.owed, was.owed...)
		if d.news > 0 {
			d.owed = slices.DeleteFunc(d.owed, func(owed *debt) bool { return owed.first })
		}
	}
}

// reread handles a tender that was corrected before the ledger read it: it is matched as it is now.
func (m *model) reread(t *modelTender) {
	for _, d := range t.dossiers {
		still := d.owed[:0]
		for _, owed := range d.owed {
			for w := range owed.because {
				if !w.matches(t.words) && !d.because[w] {
					delete(owed.because, w)
				}
			}
			if len(owed.because) > 0 {
				still = append(still, owed)
			}
		}
		d.owed = still
	}
}

// read handles that the ledger has read everything.
func (m *model) read() {
	for _, t := range m.tenders {
		t.unread, t.attentive = false, nil
	}
	m.remind()
}

// back handles a recipient that rejoined, or was added again. What the ledger has still to read may be mailed to it;
// it is not owed.
func (m *model) back(p *modelPerson) {
	for _, t := range m.tenders {
		if t.unread {
			t.of(p).may = true
		}
	}
}

// cancelled handles a notice that cancels a tender.
func (m *model) cancelled(t *modelTender, step int) {
	t.changed, t.cancelled, t.over = step, step, true
	for _, p := range m.people {
		d := t.of(p)
		for _, owed := range d.owed {
			if owed.first { // it may be in a claimed mail already
				d.owed = nil
				break
			}
		}
		if d.news == 0 || !p.consented() {
			d.may = d.may || d.news > 0
			continue
		}
		if d.lastEnded { // no mail said that the tender was open in between
			d.ended = true
			continue
		}
		because := make(map[*modelWatch]bool)
		for w := range d.because {
			if w.on() && w.follows[p] {
				because[w] = true
			}
		}
		d.ended = len(because) > 0
		m.owe(t, p, because, true)
	}
}

// reopened handles a notice that announces a cancelled tender again.
func (m *model) reopened(t *modelTender, step int) {
	t.over = false
	for _, d := range t.dossiers {
		d.ended = false
		d.owed = slices.DeleteFunc(d.owed, func(owed *debt) bool { return owed.cancelled })
	}
	m.published(t, step)
}

// caughtUp handles a watch that asked to catch up on what came while it was off.
func (m *model) caughtUp(w *modelWatch) {
	for _, t := range m.tenders {
		for _, p := range m.people {
			if !p.consented() || !w.follows[p] {
				continue
			}
			d, because := t.of(p), map[*modelWatch]bool{w: true}
			switch {
			case t.over && t.cancelled > w.pausedAt && d.news > 0 && d.because[w] && !d.ended && !d.lastEnded:
				d.ended = true
				m.owe(t, p, because, true)
			case m.closed(t):
			case t.corrected > w.pausedAt && d.informed && d.upTo < t.corrected && (w.matches(t.words) || d.because[w]):
				d.upTo = t.corrected
				m.owe(t, p, because, false)
			case t.changed > w.pausedAt && !d.informed && w.matches(t.words):
				m.owe(t, p, because, false)
			}
		}
	}
}

func (m *model) closed(t *modelTender) bool { return t.over || !t.deadline.After(m.now) }

// review records, after every change, what is no longer owed and what must not be sent for now.
func (m *model) review() {
	m.reviewReminders()
	for _, t := range m.tenders {
		for p, d := range t.dossiers {
			still := d.owed[:0]
			for _, owed := range d.owed {
				if m.stillOwed(t, p, owed) {
					still = append(still, owed)
				}
			}
			d.owed = still
		}
	}
}

func (m *model) stillOwed(t *modelTender, p *modelPerson, owed *debt) bool {
	if p.left || m.closed(t) && !owed.cancelled {
		return false
	}
	allowed := false
	for w := range owed.because {
		switch {
		case !w.follows[p], !w.deleted.IsZero() && m.now.Sub(w.deleted) >= vigie.RestorableFor:
			delete(owed.because, w)
		case w.on():
			allowed = true
		}
	}
	if len(owed.because) == 0 {
		return false
	}
	switch {
	case allowed && p.mayGet():
		owed.blocked = time.Time{}
	case owed.blocked.IsZero():
		owed.blocked = m.now
	case m.now.Sub(owed.blocked) >= vigie.MaxHold-24*time.Hour: // the hold began at this time or a little later
		return false
	}
	return true
}

// mailed compares a line of a mail with what is owed, and returns what is wrong with it, "" for nothing.
func (m *model) mailed(p *modelPerson, section string, t *modelTender) string {
	if section == "reminder" {
		return m.remindedOf(t, p)
	}
	d := t.of(p)
	follows := false
	for _, w := range m.watches {
		follows = follows || w.on() && w.follows[p]
	}
	switch {
	case !p.mayGet():
		return "it may not be written to"
	case !follows:
		return "no watch that is on writes to it"
	case t.mistaken:
		return "its notices were withdrawn"
	case !d.may:
		return "it is not owed anything about this tender"
	case section == "cancelled" && !t.over:
		return "the tender is open"
	case section == "cancelled" && d.lastEnded:
		return "a mail has said that already"
	}
	m.toldOf(t, p)
	if section == "soon" {
		return ""
	}
	m.mails++
	d.last, d.lastEnded = m.mails, section == "cancelled"
	still := d.owed[:0]
	for _, owed := range d.owed {
		if owed.cancelled != (section == "cancelled") {
			still = append(still, owed)
			continue
		}
		for w := range owed.because {
			d.because[w] = true
		}
	}
	d.owed = still
	if section == "cancelled" {
		d.ended = true // whichever watch led to it
	} else { // it says what the tender is at that time
		d.informed, d.upTo = true, max(d.upTo, t.corrected)
	}
	if section == "new" {
		if d.news++; d.news > 1 {
			return "this tender is announced as new a second time"
		}
	}
	return ""
}

// lost returns what is owed, may be sent, and was not.
func (m *model) lost() []string {
	m.review()
	var list []string
	for _, t := range m.tenders {
		for p, d := range t.dossiers {
			for _, owed := range d.owed {
				if owed.blocked.IsZero() {
					list = append(list, fmt.Sprintf("%s was not mailed about %s (cancelled: %v)", p.address, t.name, owed.cancelled))
				}
			}
		}
	}
	return append(list, m.lostReminders()...)
}
