package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
	"vigie/ledger"
	"vigie/opaque"
)

// Export is all that the database holds of an account, for the person that it belongs to. Times are UTC.
type Export struct {
	Account ExportedAccount `json:"account"`
	Watches []ExportedWatch `json:"watches"`
	ledger.Export
	Marks    []ExportedMark       `json:"marks"`
	Accesses []ExportedAuditEntry `json:"accesses"`
}

// ExportedAccount is the account itself.
type ExportedAccount struct {
	Issuer        string `json:"issuer"`
	Subject       string `json:"subject"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"emailVerified"`
	// EmailVerifiedAt is since when the issuer has verified the address.
	EmailVerifiedAt   *time.Time    `json:"emailVerifiedAt"`
	Name              string        `json:"name"`
	Locale            vigie.Locale  `json:"locale"`
	TimeZone          string        `json:"timeZone"`
	DigestHour        int32         `json:"digestHour"`
	DigestDay         vigie.Weekday `json:"digestDay"`
	QuietNotes        bool          `json:"quietNotes"`
	CalendarAlarmDays int32         `json:"calendarAlarmDays"`
	ReminderDays      []int32       `json:"reminderDays"`
	CreatedAt         time.Time     `json:"createdAt"`
}

// ExportedWatch is a watch of the account, deleted or not.
type ExportedWatch struct {
	Number         int64   `json:"-" bun:"id"`
	ID             string  `json:"id" bun:"-"`
	ExternalID     *string `json:"externalId,omitempty"` // on the platform that stored or imported it
	Name           string  `json:"name"`
	vigie.Criteria `bun:"embed:"`
	Buyers         []string        `json:"buyers" bun:"-"`
	Active         bool            `json:"active"`
	Frequency      vigie.Frequency `json:"frequency"`
	CreatedAt      time.Time       `json:"createdAt"`
	UpdatedAt      time.Time       `json:"updatedAt"`
	DeletedAt      *time.Time      `json:"deletedAt"`
}

// ExportedAuditEntry records that a support agent looked at the account.
type ExportedAuditEntry struct {
	At    time.Time `json:"at"`
	Field string    `json:"field"`
}

// ExportedMark is a mark that the person put on a tender.
type ExportedMark struct {
	Source       string     `json:"source"`
	SourceRef    string     `json:"sourceRef"`
	Title        string     `json:"title"`
	SeenAt       *time.Time `json:"seenAt"`
	DismissedAt  *time.Time `json:"dismissedAt"`
	InterestedAt *time.Time `json:"interestedAt"`
}

// Export returns all that is held of an account, at one moment.
func (s *Store) Export(ctx context.Context, account int64) (*Export, error) {
	e := &Export{
		Watches: []ExportedWatch{}, Marks: []ExportedMark{}, Accesses: []ExportedAuditEntry{},
	}
	err := s.Snapshot(ctx, func(ctx context.Context, now *Snapshot) error {
		from := func(table string) *bun.SelectQuery { return now.tx.NewSelect().TableExpr(table) }
		err := from("accounts").Column("issuer", "subject", "email", "email_verified", "email_verified_at", "name", "locale", "time_zone").
			Column("digest_hour", "digest_day", "quiet_notes", "calendar_alarm_days", "reminder_days", "created_at").
			Where("id = ?", account).Where("issuer <> ''").Scan(ctx, &e.Account)
		if err != nil {
			return err
		}
		if err := e.watches(ctx, from, account); err != nil {
			return err
		}
		if e.Export, err = s.ledger.Export(ctx, now.tx, account); err != nil {
			return err
		}
		for _, part := range []struct {
			query *bun.SelectQuery
			rows  any
		}{
			{from("tender_marks AS r").Join("JOIN tenders AS t ON t.id = r.tender_id").
				ColumnExpr("t.source, t.source_ref, t.title, r.seen_at, r.dismissed_at, r.interested_at").Order("t.id"), &e.Marks},
			{from("accesses AS r").Column("at", "field").Order("id"), &e.Accesses},
		} {
			if err := part.query.Where("r.account_id = ?", account).Scan(ctx, part.rows); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	e.name(s.ids)
	return e, nil
}

// name gives everything the id that the API has for it.
func (e *Export) name(ids *opaque.Keys) {
	for i := range e.Watches {
		e.Watches[i].ID = ids.ID(vigie.KindWatch, e.Watches[i].Number)
	}
}

// watches reads the watches, with the names of their buyers.
func (e *Export) watches(ctx context.Context, from func(table string) *bun.SelectQuery, account int64) error {
	columns, _ := listColumns()
	err := from("watches").Column("id").ColumnExpr(`COALESCE((SELECT MIN(external_id) FROM watch_external_ids WHERE watch_id = watches.id),
			(SELECT MIN(external_id) FROM imported_watches WHERE watch_id = watches.id)) AS external_id`).
		Column("name", "keywords", "keyword_mode", "excluded_keywords", "include_nationwide").Column(columns...).
		Column("min_value", "max_value", "include_unknown_value").
		Column("active", "frequency", "created_at", "updated_at", "deleted_at").
		Where("account_id = ?", account).Order("id").Scan(ctx, &e.Watches)
	if err != nil {
		return err
	}
	var buyers []struct {
		WatchID int64
		Name    string
	}
	err = from("watch_buyers AS b").Join("JOIN watches AS w ON w.id = b.watch_id").Join("JOIN buyers AS n ON n.id = b.buyer_id").
		ColumnExpr("b.watch_id, n.name").Where("w.account_id = ?", account).Order("b.watch_id", "b.position").Scan(ctx, &buyers)
	if err != nil {
		return err
	}
	names := make(map[int64][]string, len(e.Watches))
	for _, b := range buyers {
		names[b.WatchID] = append(names[b.WatchID], b.Name)
	}
	for i := range e.Watches {
		e.Watches[i].Buyers = database.NotNull(names[e.Watches[i].Number])
	}
	return nil
}
