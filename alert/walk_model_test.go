package alert_test

import (
	"fmt"
	"strings"
	"time"

	"vigie"
)

// model is what a walk's people are owed, worked out naively: at the moment at
// which something is published or asked for, from how things are at that moment,
// and with no idea of cursors, mails, leases or hours of digests.
//
// What it says must be mailed, must be. Where the promise leaves it open, such
// as when somebody leaves and comes back before anything was sent, it demands
// nothing; but what it never demanded may not be mailed at all.
type model struct {
	now     time.Time
	watches []*modelWatch
	people  []*modelPerson
	tenders []*modelTender
}

type modelWatch struct {
	name     string
	word     string
	active   bool
	deleted  time.Time // zero while it is not
	pausedAt int       // how many things had happened when it last went off
	follows  map[*modelPerson]bool
}

type modelPerson struct {
	address string
	// agreed is by link; vouched and wasVouched are by the issuer.
	agreed, vouched, wasVouched, left bool
}

type modelTender struct {
	name string
	// words are those of its title; changed is when it was last published about.
	words    string
	changed  int
	deadline time.Time
	over     bool
	dossiers map[*modelPerson]*dossier
	// unread is whether the ledger is still to read of it.
	unread bool
}

// dossier is what a person is owed, and was sent, about a tender.
type dossier struct {
	// may is whether anything was ever owed: nothing else may be mailed.
	may bool
	// news counts the mails in which the tender was new.
	news int
	// because are the watches by which the person was told.
	because map[*modelWatch]bool
	owed    []*debt
}

// debt is a mail that a person is owed.
type debt struct {
	cancelled bool // it says that the tender was cancelled
	first     bool // it says that the tender is new
	because   map[*modelWatch]bool
	// blocked is since when it may not be sent; zero while it may.
	blocked time.Time
}

func (w *modelWatch) on() bool { return w.active && w.deleted.IsZero() }

func (p *modelPerson) mayGet() bool { return (p.agreed || p.vouched) && !p.left }

// consented is whether a person is owed mail, though it may have to wait.
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

// owe notes that a person is owed a mail about a tender by reason of watches.
func (m *model) owe(t *modelTender, p *modelPerson, because map[*modelWatch]bool, cancelled bool) {
	if len(because) == 0 {
		return
	}
	d := t.of(p)
	d.may = true
	first := d.news == 0 && !cancelled
	d.owed = append(d.owed, &debt{because: because, cancelled: cancelled, first: first})
	for _, earlier := range d.owed { // one more reason for what is still to be said
		if earlier.first && !cancelled {
			for w := range because {
				earlier.because[w] = true
			}
		}
	}
	m.review()
}

// published is a first notice about a tender, or one that corrects it.
func (m *model) published(t *modelTender, step int) {
	if t.unread {
		m.reread(t)
	}
	t.changed, t.unread = step, true
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
		m.owe(t, p, because, false)
	}
}

// reread is that a tender was corrected before the ledger read what it was: it
// is matched as it is by then.
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

// read is that the ledger has read everything.
func (m *model) read() {
	for _, t := range m.tenders {
		t.unread = false
	}
}

// back is that a person came back, or was named again. What the ledger is still
// to read may be mailed to it; it is not owed.
func (m *model) back(p *modelPerson) {
	for _, t := range m.tenders {
		if t.unread {
			t.of(p).may = true
		}
	}
}

// cancelled is a notice that cancels a tender.
func (m *model) cancelled(t *modelTender, step int) {
	t.changed, t.over = step, true
	for _, p := range m.people {
		d := t.of(p)
		for _, owed := range d.owed {
			if owed.first { // it may be on its way already
				d.owed = nil
				break
			}
		}
		if d.news == 0 || !p.consented() {
			d.may = d.may || d.news > 0
			continue
		}
		because := make(map[*modelWatch]bool)
		for w := range d.because {
			if w.on() && w.follows[p] {
				because[w] = true
			}
		}
		m.owe(t, p, because, true)
	}
}

// caughtUp is that a watch asked for what came since it went off.
func (m *model) caughtUp(w *modelWatch) {
	for _, t := range m.tenders {
		if t.changed <= w.pausedAt || m.closed(t) || !w.matches(t.words) {
			continue
		}
		for _, p := range m.people {
			if p.consented() && w.follows[p] && t.of(p).news == 0 {
				m.owe(t, p, map[*modelWatch]bool{w: true}, false)
			}
		}
	}
}

func (m *model) closed(t *modelTender) bool { return t.over || !t.deadline.After(m.now) }

// review notes, after anything has changed, what is not owed any more and what
// may not be sent for now.
func (m *model) review() {
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

// mailed compares a line of a mail with what is owed, and says what is wrong
// with it, "" for nothing.
func (m *model) mailed(p *modelPerson, section string, t *modelTender) string {
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
	case !d.may:
		return "it is not owed anything about this tender"
	}
	if section == "soon" {
		return ""
	}
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
	if section == "new" {
		if d.news++; d.news > 1 {
			return "it is told a second time that this tender is new"
		}
	}
	return ""
}

// lost lists what is owed, may be sent, and was not.
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
	return list
}
