package ledger

import (
	"context"

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
	var rows []struct {
		Thread
		FirstMail
	}
	other := l.db.NewSelect().TableExpr("deliveries AS o").Join("JOIN tenders AS about ON about.id = o.tender_id").ColumnExpr("1").
		Where("o.mail_id = m.id").Where("COALESCE(about.merged_into, about.id) <> COALESCE(t.merged_into, t.id)")
	err := l.db.NewSelect().TableExpr("tenders AS t").Join("JOIN deliveries AS d ON d.tender_id = t.id").
		Join("JOIN mails AS m ON m.id = d.mail_id AND m.recipient_id = d.recipient_id").
		ColumnExpr("DISTINCT d.recipient_id, COALESCE(t.merged_into, t.id) AS tender_id, m.id, m.message_id").
		Where("(t.id IN (?0) OR t.merged_into IN (?0))", bun.List(database.Distinct(tenders))).
		Where("d.recipient_id IN (?)", bun.List(database.Distinct(recipients))).Where("d.dropped_at IS NULL").
		Where("m.kind = ?", vigie.DigestMail).Where("m.state = ?", vigie.MailSent).Where("m.message_id LIKE '%@%'").
		Where("NOT EXISTS (?)", other).OrderExpr("m.id").Scan(ctx, &rows)
	for _, row := range rows {
		if _, known := first[row.Thread]; !known {
			first[row.Thread] = row.FirstMail
		}
	}
	return first, database.Translate(err)
}
