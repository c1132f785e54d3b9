package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/opaque"
)

// Export is all that the database holds of an account, for the person that it belongs to. Times are UTC.
type Export struct {
	Account    ExportedAccount      `json:"account"`
	Watches    []ExportedWatch      `json:"watches"`
	Addresses  []ExportedAddress    `json:"addresses"`
	Mails      []ExportedMail       `json:"mails"`
	Deliveries []ExportedDelivery   `json:"deliveries"`
	Marks      []ExportedMark       `json:"marks"`
	Accesses   []ExportedAuditEntry `json:"accesses"`
}

// ExportedAccount is the account itself.
type ExportedAccount struct {
	Issuer        string `json:"issuer"`
	Subject       string `json:"subject"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"emailVerified"`
	// EmailVerifiedAt is since when the issuer has verified the address.
	EmailVerifiedAt *time.Time    `json:"emailVerifiedAt"`
	Name            string        `json:"name"`
	Locale          vigie.Locale  `json:"locale"`
	TimeZone        string        `json:"timeZone"`
	DigestHour      int32         `json:"digestHour"`
	DigestDay       vigie.Weekday `json:"digestDay"`
	QuietNotes      bool          `json:"quietNotes"`
	CreatedAt       time.Time     `json:"createdAt"`
}

// ExportedWatch is a watch of the account, deleted or not.
type ExportedWatch struct {
	Number            int64             `json:"-" bun:"id"`
	ID                string            `json:"id" bun:"-"`
	ExternalID        *string           `json:"externalId,omitempty"` // on the platform that stored or imported it
	Name              string            `json:"name"`
	Keywords          []string          `json:"keywords"`
	KeywordMode       vigie.KeywordMode `json:"keywordMode"`
	ExcludedKeywords  []string          `json:"excludedKeywords"`
	Buyers            []string          `json:"buyers" bun:"-"`
	Departments       []string          `json:"departments"`
	IncludeNationwide bool              `json:"includeNationwide"`
	Natures           []vigie.Nature    `json:"natures"`
	CPVCodes          []string          `json:"cpvCodes"`
	Active            bool              `json:"active"`
	Frequency         vigie.Frequency   `json:"frequency"`
	CreatedAt         time.Time         `json:"createdAt"`
	UpdatedAt         time.Time         `json:"updatedAt"`
	DeletedAt         *time.Time        `json:"deletedAt"`
}

// ExportedAddress is an address on a watch, with its consent.
type ExportedAddress struct {
	WatchNumber int64     `json:"-" bun:"watch_id"`
	WatchID     string    `json:"watchId" bun:"-"`
	Email       string    `json:"email"`
	CreatedAt   time.Time `json:"createdAt"`
	// ConfirmedAt is when its owner consented to mail, ConfirmedBy how.
	ConfirmedAt *time.Time    `json:"confirmedAt"`
	ConfirmedBy vigie.Consent `json:"confirmedBy,omitempty"`
	// LeftAt is when the recipient left all watches, LeftWatchAt when it left this one.
	LeftAt      *time.Time `json:"leftAt"`
	LeftWatchAt *time.Time `json:"leftWatchAt"`
	// RemovedAt is when the account removed it from the watch.
	RemovedAt *time.Time `json:"removedAt"`
	// BouncedAt is when mail to the address was found to bounce.
	BouncedAt *time.Time `json:"bouncedAt"`
}

// ExportedMail is a mail to an address of the account. Times that retention has deleted are null, as in a delivery.
type ExportedMail struct {
	Number    int64           `json:"-" bun:"id"`
	ID        string          `json:"id" bun:"-"`
	Email     string          `json:"email"`
	Kind      vigie.MailKind  `json:"kind"`
	MessageID string          `json:"messageId"`
	CreatedAt *time.Time      `json:"createdAt"`
	State     vigie.MailState `json:"state"`
	ClosedAt  *time.Time      `json:"closedAt"`
	Error     string          `json:"error"`
}

// ExportedDelivery is an alert about a tender that was sent, or is owed, to an address because of a watch.
type ExportedDelivery struct {
	Email       string             `json:"email"`
	WatchNumber int64              `json:"-" bun:"watch_id"`
	WatchID     string             `json:"watchId" bun:"-"`
	Keywords    []string           `json:"keywords"`
	Kind        vigie.DeliveryKind `json:"kind"`
	Source      string             `json:"source"`
	SourceRef   string             `json:"sourceRef"`
	Title       string             `json:"title"`
	CreatedAt   *time.Time         `json:"createdAt"`
	DroppedAt   *time.Time         `json:"droppedAt"`
	HeldAt      *time.Time         `json:"heldAt"`
	MailNumber  *int64             `json:"-" bun:"mail_id"`
	MailID      *string            `json:"mailId" bun:"-"`
}

// ExportedAuditEntry records that a support agent looked at the account.
type ExportedAuditEntry struct {
	At    time.Time `json:"at"`
	Field string    `json:"field"`
}

// ExportedMark is a mark that the person put on a tender.
type ExportedMark struct {
	Source      string     `json:"source"`
	SourceRef   string     `json:"sourceRef"`
	Title       string     `json:"title"`
	SeenAt      *time.Time `json:"seenAt"`
	DismissedAt *time.Time `json:"dismissedAt"`
}

// Export returns all that is held of an account, at one moment.
func (s *Store) Export(ctx context.Context, account int64) (*Export, error) {
	e := &Export{
		Watches: []ExportedWatch{}, Addresses: []ExportedAddress{}, Mails: []ExportedMail{}, Deliveries: []ExportedDelivery{}, Marks: []ExportedMark{},
		Accesses: []ExportedAuditEntry{},
	}
	err := s.Snapshot(ctx, func(ctx context.Context, now *Snapshot) error {
		from := func(table string) *bun.SelectQuery { return now.tx.NewSelect().TableExpr(table) }
		err := from("accounts").Column("issuer", "subject", "email", "email_verified", "email_verified_at", "name", "locale", "time_zone").
			Column("digest_hour", "digest_day", "quiet_notes", "created_at").
			Where("id = ?", account).Where("issuer <> ''").Scan(ctx, &e.Account)
		if err != nil {
			return err
		}
		if err := e.watches(ctx, from, account); err != nil {
			return err
		}
		for _, part := range []struct {
			query *bun.SelectQuery
			rows  any
		}{
			{from("subscriptions AS s").Join("JOIN recipients AS r ON r.id = s.recipient_id").
				Join("JOIN accounts AS a ON a.id = r.account_id").
				Join("LEFT JOIN addresses AS d ON d.address_key = r.address_key").
				ColumnExpr("s.watch_id, r.email, r.created_at, r.left_at, s.left_at AS left_watch_at, s.removed_at, d.bounced_at").
				ColumnExpr("CASE WHEN "+confirmed+" THEN COALESCE(r.confirmed_at, a.email_verified_at) END AS confirmed_at").
				ColumnExpr("CASE WHEN r.confirmed_at IS NOT NULL THEN COALESCE(r.confirmed_by, ?) WHEN "+confirmed+" THEN ? END AS confirmed_by", vigie.ByLink, vigie.ByIssuer).
				Order("s.watch_id", "s.position"), &e.Addresses},
			{from("mails AS m").Join("JOIN recipients AS r ON r.id = m.recipient_id").
				ColumnExpr("m.id, r.email, m.kind, m.state, m.closed_at, m.error").
				ColumnExpr("CASE WHEN m.message_id LIKE '%@%' THEN m.message_id ELSE '' END AS message_id"). // else it is forgotten, see forget
				ColumnExpr("CASE WHEN m.created_at > ? THEN m.created_at END AS created_at", longAgo()).Order("m.id"), &e.Mails},
			{from("reasons AS y").Join("JOIN deliveries AS d ON d.id = y.delivery_id").Join("JOIN recipients AS r ON r.id = d.recipient_id").
				Join("JOIN tenders AS t ON t.id = d.tender_id").
				ColumnExpr("r.email, y.watch_id, y.keywords, d.kind, t.source, t.source_ref, t.title, d.dropped_at, d.mail_id").
				ColumnExpr("(SELECT h.since FROM delivery_holds AS h WHERE h.delivery_id = d.id) AS held_at").
				ColumnExpr("CASE WHEN d.created_at > ? THEN d.created_at END AS created_at", longAgo()).
				Order("d.id", "y.watch_id"), &e.Deliveries},
			{from("tender_marks AS r").Join("JOIN tenders AS t ON t.id = r.tender_id").
				ColumnExpr("t.source, t.source_ref, t.title, r.seen_at, r.dismissed_at").Order("t.id"), &e.Marks},
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
	for i := range e.Addresses {
		e.Addresses[i].WatchID = ids.ID(vigie.KindWatch, e.Addresses[i].WatchNumber)
	}
	for i := range e.Mails {
		e.Mails[i].ID = ids.ID(vigie.KindMail, e.Mails[i].Number)
	}
	for i := range e.Deliveries {
		d := &e.Deliveries[i]
		d.WatchID = ids.ID(vigie.KindWatch, d.WatchNumber)
		if d.MailNumber != nil {
			d.MailID = new(ids.ID(vigie.KindMail, *d.MailNumber))
		}
	}
}

// watches reads the watches, with the names of their buyers.
func (e *Export) watches(ctx context.Context, from func(table string) *bun.SelectQuery, account int64) error {
	err := from("watches").Column("id").ColumnExpr(`COALESCE((SELECT MIN(external_id) FROM watch_external_ids WHERE watch_id = watches.id),
			(SELECT MIN(external_id) FROM imported_watches WHERE watch_id = watches.id)) AS external_id`).
		Column("name", "keywords", "keyword_mode", "excluded_keywords", "departments", "include_nationwide").
		Column("natures", "cpv_codes", "active", "frequency", "created_at", "updated_at", "deleted_at").
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
		e.Watches[i].Buyers = orEmpty(names[e.Watches[i].Number])
	}
	return nil
}
