package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Totals is how many things the ledger has.
type Totals struct {
	Addresses, ConfirmedAddresses          int
	WaitingDeliveries, HeldDeliveries      int
	SentMails, FailedMails, SuppressedMail int
}

// shown is the condition that a delivery counts: what will be said of a deadline is entered long before.
const shown = "NOT (kind = '" + string(vigie.DeliverClosingSoon) + "' AND mail_id IS NULL)"

// isMail is the condition that a message is a mail.
const isMail = "kind <> '" + string(vigie.WebhookMessage) + "'"

// Totals counts everything.
func (l *Ledger) Totals(ctx context.Context) (t Totals, err error) {
	for _, count := range []struct {
		into         *int
		table, where string
	}{
		{&t.Addresses, "recipients", "channel = 'MAIL'"},
		{&t.ConfirmedAddresses, "recipients", "confirmed_at IS NOT NULL AND left_at IS NULL"},
		{&t.WaitingDeliveries, "deliveries", in(vigie.DeliveryWaiting) + " AND " + shown},
		{&t.HeldDeliveries, "deliveries", in(vigie.DeliveryHeld) + " AND " + shown},
		{&t.SentMails, "mails", isMail + " AND state = '" + string(vigie.MailSent) + "'"},
		{&t.FailedMails, "mails", isMail + " AND state = '" + string(vigie.MailFailed) + "'"},
		{&t.SuppressedMail, "addresses", "bounced_at IS NOT NULL"},
	} {
		n, err := l.db.NewSelect().Table(count.table).Where(count.where).Count(ctx)
		if err != nil {
			return t, database.Translate(err)
		}
		*count.into = int(n)
	}
	return t, nil
}

// Domain is what became of the mails to the addresses of a domain.
type Domain struct {
	Domain                string
	Sent, Failed, Delayed int
	// Suppressed is how many addresses get no mail because one came back.
	Suppressed int
}

// Domains returns what became of the mails written since a time, by domain, those with most mails first.
func (l *Ledger) Domains(ctx context.Context, since time.Time, limit int) ([]*Domain, error) {
	// What is behind the last at sign, in the functions that both databases have.
	const domain = "SUBSTR(r.address_key, LENGTH(RTRIM(r.address_key, REPLACE(r.address_key, '@', ''))) + 1)"
	var list []*Domain
	err := l.db.NewSelect().TableExpr("mails AS m").Join("JOIN recipients AS r ON r.id = m.recipient_id").
		ColumnExpr(domain+" AS domain").
		ColumnExpr("SUM(CASE WHEN m.state = ? THEN 1 ELSE 0 END) AS sent", vigie.MailSent).
		ColumnExpr("SUM(CASE WHEN m.state = ? THEN 1 ELSE 0 END) AS failed", vigie.MailFailed).
		ColumnExpr("SUM(CASE WHEN m.state = ? AND m.attempts > 0 THEN 1 ELSE 0 END) AS delayed", vigie.MailOpen).
		ColumnExpr("COUNT(DISTINCT (SELECT a.address_key FROM addresses AS a WHERE a.address_key = r.address_key AND a.bounced_at IS NOT NULL)) AS suppressed").
		Where("m.created_at >= ?", since).Where("r.channel = ?", vigie.MailChannel).GroupExpr(domain).OrderExpr("COUNT(*) DESC, 1").Limit(int64(limit)).Scan(ctx, &list)
	return list, database.Translate(err)
}

// SuppressedAddress is an address that gets no mail because one came back.
type SuppressedAddress struct {
	Email string    `bun:"address_key"`
	Since time.Time `bun:"bounced_at"`
}

// SuppressedAddresses returns at most limit suppressed addresses beyond one, in their order, or, backwards, before one;
// and how many there are in all. "" is no bound.
func (l *Ledger) SuppressedAddresses(ctx context.Context, beyond string, backwards bool, limit int) ([]*SuppressedAddress, int, error) {
	all := func() *bun.SelectQuery { return l.db.NewSelect().Table("addresses").Where("bounced_at IS NOT NULL") }
	total, err := all().Count(ctx)
	if err != nil {
		return nil, 0, database.Translate(err)
	}
	comparison, direction := bun.Safe(">"), bun.Safe("ASC")
	if backwards {
		comparison, direction = "<", "DESC"
	}
	q := all().Column("address_key", "bounced_at").OrderExpr("address_key ?", direction).Limit(int64(limit))
	if beyond != "" {
		q = q.Where("address_key ? ?", comparison, beyond)
	}
	var list []*SuppressedAddress
	err = q.Scan(ctx, &list)
	return list, int(total), database.Translate(err)
}

// Usage is what was entered and sent in a period.
type Usage struct{ Alerts, SentMails int }

// Usage counts what was entered and sent in periods, each from a time until the next one.
func (l *Ledger) Usage(ctx context.Context, times []time.Time) ([]Usage, error) {
	alerts, err := database.CountBetween(ctx, l.db.NewSelect().Table("deliveries").Where(shown), "created_at", times)
	if err != nil {
		return nil, err
	}
	mails, err := database.CountBetween(ctx, l.db.NewSelect().Table("mails").Where(isMail).Where("state = ?", vigie.MailSent), "closed_at", times)
	if err != nil {
		return nil, err
	}
	list := make([]Usage, len(times)-1)
	for i := range list {
		list[i] = Usage{alerts[i], mails[i]}
	}
	return list, nil
}
