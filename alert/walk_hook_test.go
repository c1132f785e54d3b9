package alert_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vigie"
	"vigie/alert"
	"vigie/alert/post"
	"vigie/ledger"
)

// walkHooks is the channel to the webhooks of walks. It says what mails say, to the same mailbox.
type walkHooks struct{ mailer *mailbox }

// Terms are those of webhooks, one message after the other: the walks are the same each time.
func (ch walkHooks) Terms() alert.Terms {
	terms := (&alert.Webhooks{}).Terms()
	terms.AtOnce = 1
	return terms
}

func (ch walkHooks) Prepare(context.Context, map[int64]*ledger.RecipientState, time.Time) (alert.Compose, error) {
	return func(m *vigie.Mail, r *ledger.RecipientState, c ledger.Content) (alert.Message, error) {
		if len(c.Tenders) != 1 {
			return nil, fmt.Errorf("a message about %d tenders", len(c.Tenders))
		}
		section := "soon"
		for _, kind := range []vigie.DeliveryKind{vigie.DeliverReminder, vigie.DeliverCorrected, vigie.DeliverNew, vigie.DeliverCancelled} {
			if slices.ContainsFunc(c.Tenders[0].Deliveries, func(d *ledger.PendingDelivery) bool { return d.Kind == kind }) {
				section = map[vigie.DeliveryKind]string{vigie.DeliverReminder: "reminder", vigie.DeliverCorrected: "corrected", vigie.DeliverNew: "new", vigie.DeliverCancelled: "cancelled"}[kind]
			}
		}
		return walkMessage{ch.mailer, post.Message{ID: m.MessageID, To: r.Webhook.Host, Text: section + " " + c.Tenders[0].Tender.Title}}, nil
	}, nil
}

type walkMessage struct {
	mailer  *mailbox
	message post.Message
}

func (m walkMessage) Send(ctx context.Context) error {
	err := m.mailer.Send(ctx, m.message)
	if why, ok := errors.AsType[*post.Error](err); ok {
		return &alert.Failure{About: alert.AboutMoment, Err: why}
	}
	return err
}

// addHook adds a webhook to a watch. To the model it is an address of its own that is always verified: switched off, what it
// is owed is held, as that of an address whose verification ended.
func (w *walk) addHook(i int) {
	stored := w.stored[i]
	p := &modelPerson{address: fmt.Sprintf("hook%d-%s", i, w.name), vouched: true, hook: w.watches[i]}
	hook := &vigie.Webhook{AccountID: w.account.ID, WatchID: stored.ID, Host: p.address, Format: vigie.StandardWebhook, ConfirmedAt: new(w.stroll.now)}
	w.must(w.store.AddWebhook(w.t.Context(), hook, func(string) string { return "" }))
	w.people, w.watches[i].follows[p] = append(w.people, p), true
	w.hooks, w.hookOf = append(w.hooks, p), append(w.hookOf, hook)
}

// isReplay reports whether a webhook accepted a message before.
func (s *stroll) isReplay(m post.Message) bool {
	if !strings.HasPrefix(m.To, "hook") {
		return false
	}
	again := s.heard[m.ID]
	if s.heard[m.ID] = true; again {
		s.repeated++
	}
	return again
}

// replayHook has a webhook get again what it accepted lately, if it may: some of that, and a message that it is being sent.
func (w *walk) replayHook(hook *vigie.Webhook) {
	now := w.stroll.now
	r, ok, err := w.store.Ledger().Replay(w.t.Context(), hook.ID, ledger.Replay{Since: now.Add(-10 * day), Until: now, Limit: 3, Pause: time.Minute})
	w.must(err)
	if ok && r.Count > 0 {
		w.replays += r.Count + 1
	}
	w.note("replay %d to %s, may: %v", r.Count, hook.Host, ok)
}

// replayMeanwhile asks for a replay while a message is sent, at random.
func (s *stroll) replayMeanwhile(m post.Message) {
	if !strings.HasPrefix(m.To, "hook") || s.random.IntN(4) > 0 {
		return
	}
	for _, w := range s.walks {
		if i := slices.IndexFunc(w.hookOf, func(hook *vigie.Webhook) bool { return hook.Host == m.To }); i >= 0 {
			w.replayHook(w.hookOf[i])
		}
	}
}

// toggleHook switches a webhook off, or on.
func (w *walk) toggleHook() {
	i := w.random.IntN(len(w.hooks))
	p := w.hooks[i]
	p.wasVouched, p.vouched = true, !p.vouched
	w.note("%s is on: %v", p.address, p.vouched)
	_, err := w.store.Ledger().ChangeWebhook(w.t.Context(), w.account.ID, w.hookOf[i].ID, func(hook *vigie.Webhook) {
		hook.PausedAt = nil
		if !p.vouched {
			hook.PausedAt = new(w.stroll.now)
		}
	})
	w.must(err)
}
