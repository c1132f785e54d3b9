package alert_test

import (
	"slices"
	"time"

	"vigie"
	"vigie/store"
)

// modelInterest is a mark on a tender: when it was put, since when reminders go by it, and the deadline at that time.
type modelInterest struct{ at, from, deadline time.Time }

// modelReminder is a reminder that a person may get, or got.
type modelReminder struct {
	deadline time.Time
	days     int
	// demanded is whether it must be mailed, said whether it was, perhaps as a part of something else.
	demanded, said bool
}

// early is how long before it is due a reminder may be entered.
const early = 15 * time.Minute

// dueAt is when a reminder is due: in the morning, so many days before the deadline.
func (r *modelReminder) dueAt() time.Time {
	day := r.deadline.In(vigie.Paris())
	return time.Date(day.Year(), day.Month(), day.Day()-r.days, 8, 0, 0, 0, vigie.Paris())
}

// nearest returns the reminder of a tender that is due at a time and after which no other is: of those that were due after the
// mark, or of another deadline than that of then. Days is 0 for none.
func (m *model) nearest(t *modelTender, at time.Time) (nearest modelReminder) {
	for _, days := range m.days {
		r := modelReminder{deadline: t.deadline, days: days}
		owed := !r.dueAt().Before(t.interest.from) || !t.interest.deadline.Equal(t.deadline)
		if owed && !r.dueAt().After(at) && (nearest.days == 0 || days < nearest.days) {
			nearest = r
		}
	}
	return nearest
}

// remindable reports whether a person is reminded of tenders.
func (m *model) remindable(p *modelPerson) bool {
	return p.own || p.hook != nil && p.hook.deleted.IsZero()
}

// remind handles that reminders are entered.
func (m *model) remind() {
	for _, t := range m.tenders {
		if t.interest == nil || m.closed(t) {
			continue
		}
		one := m.nearest(t, m.now.Add(early))
		if one.days == 0 {
			continue
		}
		for _, p := range m.people {
			if !m.remindable(p) || !p.consented() {
				continue
			}
			if known := t.of(p).reminder(one); known == nil {
				one := one
				one.demanded = true
				t.of(p).reminders = append(t.of(p).reminders, &one)
			} else {
				known.demanded = !known.said
			}
		}
	}
}

// reminder returns the same reminder among those of a dossier, nil if it is not there.
func (d *dossier) reminder(r modelReminder) *modelReminder {
	for _, known := range d.reminders {
		if known.days == r.days && known.deadline.Equal(r.deadline) {
			return known
		}
	}
	return nil
}

// wanted reports whether a reminder may be sent.
func (m *model) wanted(t *modelTender, p *modelPerson, r *modelReminder) bool {
	if t.interest == nil || m.closed(t) || !m.remindable(p) || p.left || !r.deadline.Equal(t.deadline) || !slices.Contains(m.days, r.days) {
		return false
	}
	later := m.nearest(t, m.now)
	return later.days == 0 || later.days >= r.days
}

// reviewReminders records what must no longer be mailed.
func (m *model) reviewReminders() {
	for _, t := range m.tenders {
		for p, d := range t.dossiers {
			for _, r := range d.reminders {
				r.demanded = r.demanded && m.wanted(t, p, r)
			}
		}
	}
}

// toldOf handles that a person got a mail or message about a tender, for any reason: a reminder that was due was a part of it,
// if it was entered.
func (m *model) toldOf(t *modelTender, p *modelPerson) {
	for _, r := range t.of(p).reminders {
		if m.wanted(t, p, r) && !r.dueAt().After(m.now) {
			r.demanded = false
		}
	}
}

// remindedOf compares a reminder with what may be sent.
func (m *model) remindedOf(t *modelTender, p *modelPerson) string {
	if !p.mayGet() {
		return "it may not be written to"
	}
	wrong := "it is to be reminded of nothing"
	for _, r := range t.of(p).reminders {
		switch {
		case !m.wanted(t, p, r):
		case r.dueAt().After(m.now):
			wrong = "it is too early for the reminder"
		case r.said:
			wrong = "it was reminded already"
		default:
			r.demanded, r.said = false, true
			return ""
		}
	}
	return wrong
}

// mergeReminders handles that two tenders turn out to be one.
func (t *modelTender) mergeReminders(other *modelTender) {
	if t.interest == nil || other.interest != nil && other.interest.at.Before(t.interest.at) {
		t.interest = other.interest
	}
	for p, was := range other.dossiers {
		d := t.of(p)
		for _, r := range was.reminders {
			if known := d.reminder(*r); known == nil {
				d.reminders = append(d.reminders, r)
			} else {
				known.said, known.demanded = known.said || r.said, (known.demanded || r.demanded) && !known.said && !r.said
			}
		}
	}
}

// lostReminders returns who must have been reminded, and was not.
func (m *model) lostReminders() (list []string) {
	m.reviewReminders()
	for _, t := range m.tenders {
		for p, d := range t.dossiers {
			for _, r := range d.reminders {
				if r.demanded && p.mayGet() && !r.dueAt().After(m.now) && !d.waits(p) {
					list = append(list, p.address+" was not reminded of "+t.name)
				}
			}
		}
	}
	return list
}

// waits reports whether a webhook may not have got a reminder yet because an alert about the tender comes first, which it
// refused, and which is held since.
func (d *dossier) waits(p *modelPerson) bool {
	return p.hook != nil && slices.ContainsFunc(d.owed, func(one *debt) bool { return !one.blocked.IsZero() })
}

// mark marks one of the tenders as of interest, or takes the mark back.
func (w *walk) mark() {
	t := w.online()
	if t == nil {
		return
	}
	on := t.interest == nil
	w.note("%s is of interest: %v", t.name, on)
	w.must(w.store.SetMark(w.t.Context(), w.account.ID, store.Interested, on, []int64{w.tenderIDs[t]}))
	t.interest = nil
	if on {
		t.interest = &modelInterest{at: w.stroll.now, from: w.stroll.now, deadline: t.deadline}
	}
}

// chooseDays changes how many days before a deadline the account is reminded.
func (w *walk) chooseDays() {
	days := [][]int{{}, {1}, {7, 2}, {10, 4, 1}, {30, 7}}[w.random.IntN(5)]
	w.note("reminders: %v days before", days)
	if !slices.Equal(days, w.days) {
		w.model.remind() // by the days before
	}
	w.wants(days)
}

// wants sets how many days before a deadline the account is reminded.
func (w *walk) wants(days []int) {
	stored := make([]int32, len(days))
	for i, n := range days {
		stored[i] = int32(n)
	}
	_, err := w.store.UpdateAccount(w.t.Context(), w.account.ID, vigie.AccountUpdate{ReminderDays: &stored})
	w.must(err)
	if slices.Equal(days, w.days) {
		return
	}
	w.days = days
	for _, t := range w.tenders {
		if t.interest != nil {
			t.interest.from, t.interest.deadline = w.stroll.now, t.deadline
		}
	}
}

// moveDeadline publishes a correction that changes nothing but the deadline, or the first notice with another one.
func (w *walk) moveDeadline() {
	t := w.online()
	if t == nil {
		return
	}
	before := t.deadline
	t.deadline = w.stroll.now.Add(between + []time.Duration{2 * day, 6 * day, 15 * day, 40 * day}[w.random.IntN(4)])
	again := w.random.IntN(2) == 0 && !t.deadline.Equal(before)
	w.note("deadline of %s: %s, by its first notice: %v", t.name, t.deadline.Format("01-02 15:04"), again)
	if !again {
		w.correct(t)
		return
	}
	w.publish(t.name, t.words+" objet "+t.name, until(&t.deadline), func(n *vigie.Notice) { n.Identifier = t.name + "-01" })
	w.published(t, w.step)
}
