package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// A message that a webhook accepted stays as it is when it is sent again: it keeps its id, its deliveries and its state, and
// replay_at says that it is to be sent once more. So nothing of what the ledger knows changes, and a replay that was cut short
// goes on.

// Replay says which messages to a webhook are sent again.
type Replay struct {
	// Since is when the first of them was accepted. After is the last message of the page before, which was accepted then; 0 for
	// the first page. Until is when the first page was asked for: what was accepted later is not lost.
	Since, Until time.Time
	After        int64
	// Limit is the most messages.
	Limit int
	// Pause is the least time since the last page.
	Pause time.Duration
}

// Replayed are the messages that are sent again.
type Replayed struct {
	Count int
	// Last is the last of them, LastAt when it was accepted, where there are more to send.
	Last   int64
	LastAt time.Time
}

// Replay has messages to a webhook sent again that it accepted, in the order in which it did. ok is false where the webhook
// gets nothing now, too soon after the last time, and while messages of that time are still to be sent.
func (l *Ledger) Replay(ctx context.Context, webhook int64, replay Replay) (r Replayed, ok bool, err error) {
	err = l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, ok = Replayed{}, false
		var mails []*vigie.Mail
		err := tx.NewSelect().Model(&mails).Column("mail.id", "mail.recipient_id", "mail.tender_id", "mail.closed_at").
			Join("JOIN recipients AS r ON r.id = mail.recipient_id").Where("r.webhook_id = ?", webhook).
			Where("mail.kind = ?", vigie.WebhookMessage).Where("mail.state = ?", vigie.MailSent).
			Where("(mail.closed_at > ?0 OR mail.closed_at = ?0 AND mail.id > ?1)", replay.Since.UTC(), replay.After).
			Where("mail.closed_at <= ?", replay.Until.UTC()).OrderExpr("mail.closed_at, mail.id").Limit(int64(replay.Limit) + 1).Scan(ctx)
		if err != nil {
			return err
		}
		if len(mails) > replay.Limit {
			mails = mails[:replay.Limit]
			r.Last, r.LastAt = mails[replay.Limit-1].ID, *mails[replay.Limit-1].ClosedAt
		}
		r.Count = len(mails)
		// Locked, so that no message about these tenders is written meanwhile, which would be sent first.
		if _, err := l.lockRecipients(ctx, tx, recipientsOfMails(mails)); err != nil {
			return err
		}
		if ok, err = l.beginReplay(ctx, tx, webhook, replay.Pause); err != nil || !ok || len(mails) == 0 {
			return err
		}
		return l.replay(ctx, tx, mails)
	})
	return r, ok, err
}

func recipientsOfMails(mails []*vigie.Mail) []int64 {
	ids := make([]int64, len(mails))
	for i, m := range mails {
		ids[i] = m.RecipientID
	}
	return database.Distinct(ids)
}

// beginReplay records that messages to a webhook are sent again, and reports whether they may be.
func (l *Ledger) beginReplay(ctx context.Context, tx bun.Tx, webhook int64, pause time.Duration) (may bool, err error) {
	now := l.db.Stamp()
	pending := replaysOf(tx).ColumnExpr("1").Where("r.webhook_id = ?", webhook)
	result, err := tx.NewUpdate().Model((*vigie.Webhook)(nil)).ModelTableExpr("webhooks AS w").Set("replay_at = ?", now).
		Where("w.id = ?", webhook).Where(active).Where("(w.replay_at IS NULL OR w.replay_at <= ?)", now.Add(-pause)).
		Where("NOT EXISTS (?)", pending).Exec(ctx)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}

// active selects the webhooks, as w, that get messages: [vigie.WebhookActive].
const active = "w.confirmed_at IS NOT NULL AND w.paused_at IS NULL AND w.suspended_at IS NULL AND w.ended_at IS NULL AND w.removed_at IS NULL"

// replay marks messages as to be sent again. One about the same tender that is being sent at this moment comes before them, so
// it is sent once more after them.
func (l *Ledger) replay(ctx context.Context, tx bun.Tx, mails []*vigie.Mail) error {
	now := l.db.Stamp()
	ids := idsOf(mails)
	tenders := make([]int64, len(mails))
	for i, m := range mails {
		tenders[i] = m.TenderID
	}
	_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("replay_at = ?", now).Set("retry_at = ?", now).Set("attempts = 0").Set("error = ''").
		Where("id IN (?)", bun.List(ids)).Where("state = ?", vigie.MailSent).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("replay_at = ?", now).
		Where("recipient_id IN (?)", bun.List(recipientsOfMails(mails))).Where("tender_id IN (?)", bun.List(database.Distinct(tenders))).
		Where("state = ?", vigie.MailOpen).Where("leased_until > ?", l.db.Clock()).Exec(ctx)
	return err
}

// replaysOf selects the messages, as m, that are still to be sent again, with their recipients, as r.
func replaysOf(db bun.IDB) *bun.SelectQuery {
	return db.NewSelect().TableExpr("mails AS m").Join("JOIN recipients AS r ON r.id = m.recipient_id").
		Where("m.replay_at IS NOT NULL").Where("m.state = ?", vigie.MailSent)
}

// replaysDue selects the messages that are to be sent again now and that nobody is sending.
func (l *Ledger) replaysDue(db bun.IDB, c ClaimOptions, limit int) *bun.SelectQuery {
	return l.toWebhooks(db, c, db.NewSelect().Model((*vigie.Mail)(nil)).Where("mail.replay_at IS NOT NULL").Where("mail.state = ?", vigie.MailSent)).
		Where("mail.retry_at <= ?", l.db.Stamp()).Apply(l.notLeased).OrderExpr("mail.retry_at, mail.id").Limit(int64(limit))
}

// replayContent finds what a message says that is sent again: what it said. A notice that was published by mistake is not
// spread again. While its webhook gets nothing, it waits.
func replayContent(m *vigie.Mail, r *RecipientState) (c Content) {
	own := *r
	own.Deliveries = nil
	for _, t := range r.Deliveries {
		if t.MailID != nil && *t.MailID == m.ID && t.Tender.Outcome != vigie.Withdrawn {
			own.Deliveries = append(own.Deliveries, t)
		}
	}
	c.Tenders = byTender(&own)
	c.Empty = len(c.Tenders) == 0 || r.Webhook == nil || r.Webhook.Over()
	c.Later = len(r.Unreadable) > 0 && len(c.Tenders) == 0 || r.Webhook != nil && !r.Webhook.Over() && r.Webhook.Status() != vigie.WebhookActive
	return c
}

// replayed records that a message was accepted once more.
func (l *Ledger) replayed(ctx context.Context, tx bun.Tx, r *recipient, mail int64) error {
	now := l.db.Stamp()
	_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("replays = replays + 1").Set("replayed_at = ?", now).Set("replay_at = NULL").
		Set("error = ''").Set("leased_until = 0").Where("id = ?", mail).Exec(ctx)
	if err != nil {
		return err
	}
	return l.messageClosed(ctx, tx, r, "")
}

// endReplay records that a message is not sent again, although that was asked for, and why; "" where there is nothing to say.
func (l *Ledger) endReplay(ctx context.Context, m *vigie.Mail, why string) error {
	return l.ofMail(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.lockMail(ctx, tx, m.ID)
		switch {
		case database.IsNoRows(err): // erased
			return nil
		case err != nil:
			return err
		}
		if err := endReplays(ctx, tx, []int64{m.ID}, why); err != nil {
			return err
		}
		if why != "" {
			return l.messageClosed(ctx, tx, r, why)
		}
		return l.refill(ctx, tx, r)
	})
}

// endReplays has messages not sent again, and records why.
func endReplays(ctx context.Context, tx bun.Tx, mails []int64, why string) error {
	_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("replay_at = NULL").Set("error = ?", vigie.Printable(why)).Set("leased_until = 0").
		Where("id IN (?)", bun.List(mails)).Where("replay_at IS NOT NULL").Where("state = ?", vigie.MailSent).Exec(ctx)
	return err
}

// replayDelayed records that a message was not accepted once more, why, and when to try again.
func (l *Ledger) replayDelayed(ctx context.Context, m *vigie.Mail, retryAt time.Time, why string) error {
	return l.ofMail(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.lockMail(ctx, tx, m.ID)
		switch {
		case database.IsNoRows(err):
			return nil
		case err != nil:
			return err
		}
		_, err = tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("attempts = attempts + 1").Set("retry_at = ?", retryAt.UTC().Truncate(time.Microsecond)).
			Set("error = ?", vigie.Printable(why)).Apply(endLease(m)).Where("id = ?", m.ID).Where("replay_at IS NOT NULL").Exec(ctx)
		if err != nil {
			return err
		}
		return l.webhookTried(ctx, tx, r, why)
	})
}
