package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// AccountWindow is a part of a list of accounts, oldest first: at most Limit with ids above Above, or, counted from the
// end of the list, below Below; 0 is no bound.
type AccountWindow struct {
	Above, Below int64
	Backwards    bool
	Limit        int
}

// SearchAccounts returns the accounts whose address, name or subject has a text, or that have a recipient whose address
// does, and how many there are in all; "" is in every one.
func (s *Store) SearchAccounts(ctx context.Context, text string, w AccountWindow) ([]*vigie.Account, int, error) {
	found := func() *bun.SelectQuery {
		q := s.db.NewSelect().Model((*vigie.Account)(nil)).Where("issuer <> ''")
		if text == "" {
			return q
		}
		like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(text)) + "%"
		return q.Where(`lower(email) LIKE ?0 ESCAPE '\' OR lower(name) LIKE ?0 ESCAPE '\' OR lower(subject) LIKE ?0 ESCAPE '\'
			OR id IN (SELECT account_id FROM recipients WHERE address_key LIKE ?0 ESCAPE '\')`, like)
	}
	total, err := found().Count(ctx)
	if err != nil {
		return nil, 0, database.Translate(err)
	}
	q := found().Limit(int64(w.Limit)).Order("id")
	switch {
	case w.Backwards:
		q = found().Limit(int64(w.Limit)).OrderExpr("id DESC")
		if w.Below != 0 {
			q = q.Where("id < ?", w.Below)
		}
	case w.Above != 0:
		q = q.Where("id > ?", w.Above)
	}
	var accounts []*vigie.Account
	err = q.Scan(ctx, &accounts)
	return accounts, int(total), database.Translate(err)
}

// Totals is how many things there are.
type Totals struct {
	Accounts, ImportedAccounts             int
	Watches, ActiveWatches                 int
	Addresses, ConfirmedAddresses          int
	Tenders, Notices                       int
	WaitingDeliveries, HeldDeliveries      int
	SentMails, FailedMails, SuppressedMail int
}

// shown is the condition that a delivery counts: what will be said of a deadline is entered long before.
const shown = "NOT (kind = '" + string(vigie.DeliverClosingSoon) + "' AND mail_id IS NULL)"

// Totals counts everything.
func (s *Store) Totals(ctx context.Context) (*Totals, error) {
	t := new(Totals)
	for _, count := range []struct {
		into         *int
		table, where string
	}{
		{&t.Accounts, "accounts", "issuer <> ''"},
		{&t.ImportedAccounts, "accounts", "issuer <> '' AND imported"},
		{&t.Watches, "watches", "deleted_at IS NULL"},
		{&t.ActiveWatches, "watches", "deleted_at IS NULL AND active"},
		{&t.Addresses, "recipients", "TRUE"},
		{&t.ConfirmedAddresses, "recipients", "confirmed_at IS NOT NULL AND left_at IS NULL"},
		{&t.Tenders, "tenders", "merged_into IS NULL AND outcome <> '" + string(vigie.Withdrawn) + "'"},
		{&t.Notices, "notices", "NOT withdrawn"},
		{&t.WaitingDeliveries, "deliveries", in(vigie.DeliveryWaiting) + " AND " + shown},
		{&t.HeldDeliveries, "deliveries", in(vigie.DeliveryHeld) + " AND " + shown},
		{&t.SentMails, "mails", "state = '" + string(vigie.MailSent) + "'"},
		{&t.FailedMails, "mails", "state = '" + string(vigie.MailFailed) + "'"},
		{&t.SuppressedMail, "addresses", "bounced_at IS NOT NULL"},
	} {
		n, err := s.db.NewSelect().Table(count.table).Where(count.where).Count(ctx)
		if err != nil {
			return nil, database.Translate(err)
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
func (s *Store) Domains(ctx context.Context, since time.Time, limit int) ([]*Domain, error) {
	// What is behind the last at sign, in the functions that both databases have.
	const domain = "SUBSTR(r.address_key, LENGTH(RTRIM(r.address_key, REPLACE(r.address_key, '@', ''))) + 1)"
	var list []*Domain
	err := s.db.NewSelect().TableExpr("mails AS m").Join("JOIN recipients AS r ON r.id = m.recipient_id").
		ColumnExpr(domain+" AS domain").
		ColumnExpr("SUM(CASE WHEN m.state = ? THEN 1 ELSE 0 END) AS sent", vigie.MailSent).
		ColumnExpr("SUM(CASE WHEN m.state = ? THEN 1 ELSE 0 END) AS failed", vigie.MailFailed).
		ColumnExpr("SUM(CASE WHEN m.state = ? AND m.attempts > 0 THEN 1 ELSE 0 END) AS delayed", vigie.MailOpen).
		ColumnExpr("COUNT(DISTINCT (SELECT a.address_key FROM addresses AS a WHERE a.address_key = r.address_key AND a.bounced_at IS NOT NULL)) AS suppressed").
		Where("m.created_at >= ?", since).GroupExpr(domain).OrderExpr("COUNT(*) DESC, 1").Limit(int64(limit)).Scan(ctx, &list)
	return list, database.Translate(err)
}

// SuppressedAddress is an address that gets no mail because one came back.
type SuppressedAddress struct {
	Email string    `bun:"address_key"`
	Since time.Time `bun:"bounced_at"`
}

// SuppressedAddresses returns at most limit suppressed addresses beyond one, in their order, or, backwards, before one;
// and how many there are in all. "" is no bound.
func (s *Store) SuppressedAddresses(ctx context.Context, beyond string, backwards bool, limit int) ([]*SuppressedAddress, int, error) {
	all := func() *bun.SelectQuery { return s.db.NewSelect().Table("addresses").Where("bounced_at IS NOT NULL") }
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

// Usage is what happened in a period.
type Usage struct {
	From, To                                   time.Time
	NewAccounts, NewWatches, Alerts, SentMails int
}

// Usage counts what happened in periods, each from a time until the next one.
func (s *Store) Usage(ctx context.Context, times []time.Time) ([]*Usage, error) {
	list := make([]*Usage, len(times)-1)
	for i := range list {
		list[i] = &Usage{From: times[i], To: times[i+1]}
	}
	for _, count := range []struct {
		table, column, where string
		into                 func(*Usage) *int
	}{
		{"accounts", "created_at", "issuer <> ''", func(u *Usage) *int { return &u.NewAccounts }},
		{"watches", "created_at", "TRUE", func(u *Usage) *int { return &u.NewWatches }},
		{"deliveries", "created_at", shown, func(u *Usage) *int { return &u.Alerts }},
		{"mails", "closed_at", "state = '" + string(vigie.MailSent) + "'", func(u *Usage) *int { return &u.SentMails }},
	} {
		q := s.db.NewSelect().Table(count.table).Where(count.where)
		into := make([]any, len(list))
		for i, u := range list {
			q = q.ColumnExpr(fmt.Sprintf("COALESCE(SUM(CASE WHEN %[1]s >= ? AND %[1]s < ? THEN 1 ELSE 0 END), 0)", count.column), u.From, u.To)
			into[i] = count.into(u)
		}
		if err := q.Scan(ctx, into...); err != nil {
			return nil, database.Translate(err)
		}
	}
	return list, nil
}
