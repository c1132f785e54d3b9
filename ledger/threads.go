package ledger

import (
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Thread is what all mails to a recipient about one tender alone are part of. TenderID is that of the tender that others were
// merged into.
type Thread struct{ RecipientID, TenderID int64 }

// FirstMail is the first mail of a thread that was accepted.
type FirstMail struct {
	ID        int64
	MessageID string
}

// FirstMails returns the first mails of the threads of recipients' deliveries. A thread without any is left out, as is one
// whose first mail is so old that retention has deleted its Message-ID.
func (l *Ledger) FirstMails(ctx context.Context, states map[int64]*RecipientState) (map[Thread]FirstMail, error) {
	var recipients, tenders []int64
	for _, r := range states {
		for _, d := range r.Deliveries {
			recipients, tenders = append(recipients, r.ID), append(tenders, d.Tender.ID)
		}
	}
	first := make(map[Thread]FirstMail)
	if len(tenders) == 0 {
		return first, nil
	}
	written := make(map[int64]Thread) // by mail
	var rows []struct {
		Thread
		MailID int64
	}
	values := database.Pass(l.db, database.Distinct(tenders), database.Distinct(recipients))
	err := l.db.NewSelect().Conn(values).TableExpr("tenders AS t").Join("JOIN deliveries AS d ON d.tender_id = t.id").
		ColumnExpr("d.recipient_id, COALESCE(t.merged_into, t.id) AS tender_id, d.mail_id").
		Where("(t.id ?0 OR t.merged_into ?0)", values.Among(1)).
		Where("d.recipient_id ?", values.Among(2)).Where("d.dropped_at IS NULL").Where("d.mail_id IS NOT NULL").Scan(ctx, &rows)
	for _, row := range rows {
		written[row.MailID] = row.Thread
	}
	for _, r := range states { // most have no other
		for _, d := range r.Deliveries {
			if d.MailID != nil {
				delete(written, *d.MailID)
			}
		}
	}
	if err != nil || len(written) == 0 {
		return first, database.Translate(err)
	}
	mails, err := l.alone(ctx, slices.Sorted(maps.Keys(written)))
	for _, m := range mails {
		thread := written[m.ID]
		if _, known := first[thread]; !known && m.RecipientID == thread.RecipientID {
			first[thread] = FirstMail{m.ID, m.MessageID}
		}
	}
	return first, database.Translate(err)
}

// alone returns those of some mails that were accepted and are about one tender alone, the first one first.
func (l *Ledger) alone(ctx context.Context, ids []int64) (mails []*vigie.Mail, err error) {
	var several []int64
	err = l.db.NewSelect().TableExpr("deliveries AS d").Join("JOIN tenders AS t ON t.id = d.tender_id").ColumnExpr("d.mail_id").
		Where("d.mail_id IN (?)", bun.List(ids)).Group("d.mail_id").Having("COUNT(DISTINCT COALESCE(t.merged_into, t.id)) > 1").Scan(ctx, &several)
	if err != nil {
		return nil, err
	}
	err = l.db.NewSelect().Model(&mails).Column("id", "recipient_id", "message_id").Where("id IN (?)", bun.List(ids)).
		Where("kind = ?", vigie.DigestMail).Where("state = ?", vigie.MailSent).Where("message_id LIKE '%@%'").Order("id").Scan(ctx)
	return slices.DeleteFunc(mails, func(m *vigie.Mail) bool { return slices.Contains(several, m.ID) }), err
}
