package ledger

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// SentMail is a mail that was accepted for an address.
type SentMail struct {
	Mail    *vigie.Mail
	Address string
	Composed
}

// MailsSent records that mails were accepted, all in one transaction. It always succeeds, even if other processes have the
// leases.
func (l *Ledger) MailsSent(ctx context.Context, sent []SentMail) error {
	return l.ofMail(ctx, func(ctx context.Context, tx bun.Tx) error {
		recipients, err := l.lockMails(ctx, tx, sent) // before their mails and subscriptions, as everywhere
		if err != nil {
			return err
		}
		first := make([]SentMail, 0, len(sent))
		for _, s := range sent {
			r := recipients[s.Mail.ID]
			switch {
			case r == nil: // erased
			case s.Mail.Again():
				err = l.replayed(ctx, tx, r, s.Mail.ID)
			default:
				err = l.leaveOut(ctx, tx, r, s.Address, s.Composed)
				first = append(first, s)
			}
			if err != nil {
				return err
			}
		}
		if len(first) == 0 {
			return nil
		}
		return l.closeSent(ctx, tx, first, recipients)
	})
}

// lockMails locks the recipients of mails and returns them by mail; the mails stay their own until the end of the transaction,
// which is one of [Ledger.ofMail]. Mails that were erased have none.
func (l *Ledger) lockMails(ctx context.Context, tx bun.Tx, sent []SentMail) (map[int64]*recipient, error) {
	ids := make([]int64, len(sent))
	for i, s := range sent {
		ids[i] = s.Mail.ID
	}
	var locked []*recipient
	values := database.Pass(tx, ids)
	of := tx.NewSelect().Model((*vigie.Mail)(nil)).Column("recipient_id").Where("id ?", values.Among(1))
	if err := l.db.ForUpdate(tx.NewSelect().Conn(values).Model(&locked).Where("id IN (?)", of).Order("id")).Scan(ctx); err != nil {
		return nil, err
	}
	byID := make(map[int64]*recipient, len(locked))
	for _, r := range locked {
		byID[r.ID] = r
	}
	var mails []*vigie.Mail
	if err := tx.NewSelect().Conn(values).Model(&mails).Column("id", "recipient_id").Where("id ?", values.Among(1)).Scan(ctx); err != nil {
		return nil, err
	}
	byMail := make(map[int64]*recipient, len(mails))
	for _, m := range mails {
		if byMail[m.ID] = byID[m.RecipientID]; byMail[m.ID] == nil {
			return nil, errMoved
		}
	}
	return byMail, nil
}

// closeSent closes mails that were accepted for the first time. Their recipients, by mail, are locked.
func (l *Ledger) closeSent(ctx context.Context, tx bun.Tx, sent []SentMail, recipients map[int64]*recipient) error {
	mails, to := make([]int64, len(sent)), make([]*recipient, len(sent))
	var named []database.Pair
	for i, s := range sent {
		mails[i], to[i] = s.Mail.ID, recipients[s.Mail.ID]
		for _, watch := range s.Watches {
			named = append(named, database.Pair{Was: to[i].ID, Becomes: watch})
		}
	}
	closed, err := l.closeOpen(ctx, tx, mails)
	if err != nil {
		return err
	}
	for _, s := range sent {
		if !slices.Contains(closed, s.Mail.ID) {
			if err := l.sentAnyway(ctx, tx, s.Mail.ID, s.Sent); err != nil {
				return err
			}
		}
	}
	if err := l.messagesClosed(ctx, tx, to, ""); err != nil {
		return err
	}
	return l.mailedAbout(ctx, tx, named)
}

// closeOpen closes mails that were accepted, and returns those that were open.
func (l *Ledger) closeOpen(ctx context.Context, tx bun.Tx, mails []int64) (closed []int64, err error) {
	values := database.Pass(tx, mails, l.db.Stamp())
	err = tx.NewUpdate().Conn(values).Model((*vigie.Mail)(nil)).
		Set("state = ?", vigie.MailSent).Set("closed_at = ?", values.Argument(2)).Set("error = ''").Set("leased_until = 0").
		Where("id ?", values.Among(1)).Where("state = ?", vigie.MailOpen).Returning("id").Scan(ctx, &closed)
	return closed, err
}

// mailedAbout records that recipients were mailed about watches, in pairs of the two.
func (l *Ledger) mailedAbout(ctx context.Context, tx bun.Tx, named []database.Pair) error {
	if len(named) == 0 {
		return nil
	}
	values := database.Pass(tx, l.db.Stamp(), named)
	_, err := tx.NewRaw(`UPDATE subscriptions SET heard_at = ? FROM ? AS named
		WHERE subscriptions.recipient_id = named.was AND subscriptions.watch_id = named.becomes`, values.Argument(1), values.Pairs(2)).Conn(values).Exec(ctx)
	return err
}
