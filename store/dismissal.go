package store

import (
	"context"
	"time"

	"vigie"
	"vigie/database"
)

// Reminded is whom a link to stop reminders is about.
type Reminded struct {
	AccountID int64
	Email     string
	Locale    vigie.Locale
	// Days is when the account is reminded, as [vigie.Account.ReminderDays] says it.
	Days []int32
}

// Reminded returns whom the link of a recipient is about. Where its address is not the account's own, the error has the code
// [vigie.NotFound].
func (s *Store) Reminded(ctx context.Context, recipient int64) (Reminded, error) {
	var row struct {
		Reminded `bun:"embed:"`
		OwnEmail string
	}
	err := s.db.NewSelect().TableExpr("recipients AS r").Join("JOIN accounts AS a ON a.id = r.account_id").
		ColumnExpr("a.id AS account_id, r.email, a.locale, a.reminder_days AS days, a.email AS own_email").
		Where("r.id = ?", recipient).Where("r.channel = ?", vigie.MailChannel).Scan(ctx, &row)
	switch {
	case err != nil:
		return Reminded{}, database.Translate(err)
	case vigie.AddressKey(row.Email) != vigie.AddressKey(row.OwnEmail):
		return Reminded{}, &vigie.Error{Code: vigie.NotFound}
	}
	return row.Reminded, nil
}

// Dismissal is what a link to dismiss a tender is about: the tender of an alert, for the account that the alert was sent to.
type Dismissal struct {
	AccountID, TenderID int64
	// Email is the address that the alert was sent to, Locale the account's.
	Email  string
	Locale vigie.Locale
	// Title is the tender's, Buyer its buyer's name, "" where that is not known.
	Title, Buyer string
	// Expired reports whether the alert is older than [DismissibleFor].
	Expired bool
	Marks   Marks
}

// DismissibleFor is for how long after a mail its links dismiss tenders: most tenders are closed by then.
const DismissibleFor = 90 * 24 * time.Hour

// Dismissal returns what the link of a delivery is about. It is of the account's own address: where the delivery was to
// another, or the account has another by now, the error has the code [vigie.NotFound].
func (s *Store) Dismissal(ctx context.Context, delivery int64) (Dismissal, error) {
	var row struct {
		Dismissal `bun:"embed:"`
		OwnEmail  string
		WrittenAt time.Time
	}
	err := s.db.NewSelect().TableExpr("deliveries AS d").
		Join("JOIN recipients AS r ON r.id = d.recipient_id").Join("JOIN accounts AS a ON a.id = r.account_id").
		Join("JOIN mails AS m ON m.id = d.mail_id").
		Join("JOIN tenders AS asked ON asked.id = d.tender_id").Join("JOIN tenders AS t ON t.id = COALESCE(asked.merged_into, asked.id)").
		Join("LEFT JOIN buyers AS b ON b.id = t.buyer_id").
		ColumnExpr("a.id AS account_id, t.id AS tender_id, r.email, a.locale, t.title, COALESCE(b.name, '') AS buyer").
		ColumnExpr("a.email AS own_email, m.created_at AS written_at").
		Where("d.id = ?", delivery).Where("r.channel = ?", vigie.MailChannel).Scan(ctx, &row)
	if err != nil {
		return Dismissal{}, database.Translate(err)
	}
	if vigie.AddressKey(row.Email) != vigie.AddressKey(row.OwnEmail) {
		return Dismissal{}, &vigie.Error{Code: vigie.NotFound}
	}
	d := row.Dismissal
	d.Expired = s.db.Now().After(row.WrittenAt.Add(DismissibleFor))
	marks, err := s.Marks(ctx, d.AccountID, []int64{d.TenderID})
	d.Marks = marks[d.TenderID]
	return d, err
}
