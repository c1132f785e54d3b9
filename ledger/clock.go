package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

const (
	// clockSetting is the name of the setting that holds the latest time at which mails were claimed.
	clockSetting = "clock"
	// aheadAtMost is by how much a time may be ahead of our clock that another clock wrote. One further ahead was wrong.
	aheadAtMost = time.Hour
	// longestLease is the longest lease that there may be. A later one was given under a wrong clock.
	longestLease = time.Hour
)

// KeepTime records what time it is, for [Ledger.SetClockBack], unless a later time is recorded.
func (l *Ledger) KeepTime(ctx context.Context) error {
	_, err := l.db.NewRaw(`INSERT INTO settings (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value WHERE settings.value < EXCLUDED.value`, clockSetting, kept(l.db.Stamp())).Exec(ctx)
	return database.Translate(err)
}

// kept is a time as it is recorded: in the order of times.
func kept(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// SetClockBack finds out whether a clock was ahead of ours, by the times that [Ledger.KeepTime] recorded. If so, nothing
// waits until the times that were stored under it: what was dated later than now is dated now, and everything that waits is
// decided about again.
func (l *Ledger) SetClockBack(ctx context.Context) (wasAhead bool, err error) {
	wasAhead, err = l.db.NewSelect().Model((*database.Setting)(nil)).Where("name = ?", clockSetting).
		Where("value > ?", kept(l.db.Now().Add(aheadAtMost))).Exists(ctx)
	if err != nil || !wasAhead {
		return false, database.Translate(err)
	}
	for after, more := int64(0), true; more; {
		err := l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			var some []int64
			err := l.db.ForUpdate(tx.NewSelect().Model((*recipient)(nil)).Column("id").Where("id > ?", after).
				Where("look_at IS NOT NULL").Order("id").Limit(vigie.MaxBatch)).Scan(ctx, &some)
			if more = len(some) > 0; err != nil || !more {
				return err
			}
			after = some[len(some)-1]
			return l.dateBack(ctx, tx, some)
		})
		if err != nil {
			return true, err
		}
	}
	return true, l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		now := l.db.Stamp()
		for _, statement := range []string{
			"UPDATE webhooks SET not_before = NULL WHERE not_before > ?2",
			"UPDATE addresses SET asked_at = ?0 WHERE asked_at > ?1",
			"UPDATE mails SET retry_at = ?0 WHERE (state = 'OPEN' OR replay_at IS NOT NULL) AND retry_at > ?0",
			"UPDATE accounts SET remind_at = ?0 WHERE remind_at > ?1",
			"UPDATE tender_marks SET remind_from = ?0 WHERE remind_from > ?1",
		} {
			if _, err := tx.NewRaw(statement, now, now.Add(aheadAtMost), now.Add(longestWish)).Exec(ctx); err != nil {
				return err
			}
		}
		_, err := tx.NewRaw("UPDATE settings SET value = ? WHERE name = ?", kept(now), clockSetting).Exec(ctx)
		return err
	})
}

// dateBack dates what waits for recipients, which are locked, now where it is dated later, and decides about it again.
func (l *Ledger) dateBack(ctx context.Context, tx bun.Tx, recipients []int64) error {
	now := l.db.Stamp()
	for _, statement := range []string{
		"UPDATE deliveries SET created_at = ?0 WHERE recipient_id IN (?2) AND " + unclaimed + " AND created_at > ?1",
		`UPDATE delivery_holds SET since = ?0 WHERE since > ?1
			AND delivery_id IN (SELECT id FROM deliveries WHERE recipient_id IN (?2) AND ` + unclaimed + ")",
		"UPDATE subscriptions SET heard_at = ?0 WHERE recipient_id IN (?2) AND heard_at > ?1",
	} {
		if _, err := tx.NewRaw(statement, now, now.Add(aheadAtMost), bun.List(recipients)).Exec(ctx); err != nil {
			return err
		}
	}
	return l.checkNow(ctx, tx, recipients)
}

// leased is the condition that a mail is its sender's alone.
func (l *Ledger) leased(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Where("mail.leased_until > ?0 AND mail.leased_until <= ?0 + ?1", l.db.Clock(), longestLease.Milliseconds())
}

// notLeased is the condition that it is not.
func (l *Ledger) notLeased(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Where("(mail.leased_until <= ?0 OR mail.leased_until > ?0 + ?1)", l.db.Clock(), longestLease.Milliseconds())
}
