package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/opaque"
)

// Export is what the ledger holds of an account.
type Export struct {
	Addresses  []ExportedAddress  `json:"addresses"`
	Mails      []ExportedMail     `json:"mails"`
	Deliveries []ExportedDelivery `json:"deliveries"`
	Webhooks   []ExportedWebhook  `json:"webhooks"`
}

// ExportedWebhook is an endpoint that gets the alerts of a watch.
type ExportedWebhook struct {
	Number      int64                `json:"-" bun:"id"`
	ID          string               `json:"id" bun:"-"`
	WatchNumber int64                `json:"-" bun:"watch_id"`
	WatchID     string               `json:"watchId" bun:"-"`
	Host        string               `json:"host"`
	Format      vigie.WebhookFormat  `json:"format"`
	Kinds       []vigie.DeliveryKind `json:"kinds"`
	CreatedAt   time.Time            `json:"createdAt"`
	ConfirmedAt *time.Time           `json:"confirmedAt"`
	PausedAt    *time.Time           `json:"pausedAt"`
	SuspendedAt *time.Time           `json:"suspendedAt"`
	EndedAt     *time.Time           `json:"endedAt"`
	RemovedAt   *time.Time           `json:"removedAt"`
	TriedAt     *time.Time           `json:"triedAt"`
	AcceptedAt  *time.Time           `json:"acceptedAt"`
	// ReplayAt is when messages were last asked for once more; NotBefore is until when the endpoint asked to be left alone.
	ReplayAt  *time.Time `json:"replayAt"`
	NotBefore *time.Time `json:"notBefore"`
	Error     string     `json:"error"`
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

// ExportedMail is a mail to an address of the account, or a message to one of its webhooks, which has an id instead. Times that retention has deleted are null, as in a delivery.
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
	// ReplayAt is when somebody asked for it once more, until it was accepted; Replays is how often it was, ReplayedAt when last.
	ReplayAt   *time.Time `json:"replayAt"`
	Replays    int64      `json:"replays"`
	ReplayedAt *time.Time `json:"replayedAt"`
}

// ExportedDelivery is an alert about a tender that was sent, or is owed, to an address because of a watch; a reminder is because
// of none.
type ExportedDelivery struct {
	Email       string             `json:"email"`
	WatchNumber int64              `json:"-" bun:"watch_id"`
	WatchID     string             `json:"watchId,omitempty" bun:"-"`
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

// Export returns all that the ledger holds of an account.
func (l *Ledger) Export(ctx context.Context, tx bun.Tx, account int64) (Export, error) {
	e := Export{Addresses: []ExportedAddress{}, Mails: []ExportedMail{}, Deliveries: []ExportedDelivery{}, Webhooks: []ExportedWebhook{}}
	var email string
	if err := tx.NewSelect().Model((*vigie.Account)(nil)).Column("email").Where("id = ?", account).Scan(ctx, &email); err != nil {
		return Export{}, err
	}
	const verified = "a.email_verified AND r.address_key = ?"
	own := vigie.AddressKey(email)
	from := func(table string) *bun.SelectQuery { return tx.NewSelect().TableExpr(table) }
	for _, part := range []struct {
		query *bun.SelectQuery
		rows  any
	}{
		{from("subscriptions AS s").Join("JOIN recipients AS r ON r.id = s.recipient_id").
			Join("JOIN accounts AS a ON a.id = r.account_id").
			Join("LEFT JOIN addresses AS d ON d.address_key = r.address_key").Where("r.channel = ?", vigie.MailChannel).
			ColumnExpr("s.watch_id, r.email, r.created_at, r.left_at, s.left_at AS left_watch_at, s.removed_at, d.bounced_at").
			ColumnExpr("COALESCE(r.confirmed_at, CASE WHEN "+verified+" THEN a.email_verified_at END) AS confirmed_at", own).
			ColumnExpr("CASE WHEN r.confirmed_at IS NOT NULL THEN COALESCE(r.confirmed_by, ?) WHEN "+verified+" THEN ? END AS confirmed_by", vigie.ByLink, own, vigie.ByIssuer).
			Order("s.watch_id", "s.position"), &e.Addresses},
		{from("mails AS m").Join("JOIN recipients AS r ON r.id = m.recipient_id").
			ColumnExpr("m.id, r.email, m.kind, m.state, m.closed_at, m.error, m.replay_at, m.replays, m.replayed_at").
			ColumnExpr("CASE WHEN m.message_id LIKE '%.%' THEN m.message_id ELSE '' END AS message_id"). // else it is forgotten, see ExpireMails
			ColumnExpr("CASE WHEN m.created_at > ? THEN m.created_at END AS created_at", longAgo()).Order("m.id"), &e.Mails},
		{from("deliveries AS d").Join("LEFT JOIN reasons AS y ON y.delivery_id = d.id").Join("JOIN recipients AS r ON r.id = d.recipient_id").
			Join("JOIN tenders AS t ON t.id = d.tender_id").Where("(y.watch_id IS NOT NULL OR d.kind = ?)", vigie.DeliverReminder).
			ColumnExpr("r.email, COALESCE(y.watch_id, 0) AS watch_id, COALESCE(y.keywords, '[]') AS keywords, d.kind, t.source, t.source_ref, t.title, d.dropped_at, d.mail_id").
			ColumnExpr("(SELECT h.since FROM delivery_holds AS h WHERE h.delivery_id = d.id) AS held_at").
			ColumnExpr("CASE WHEN d.created_at > ? THEN d.created_at END AS created_at", longAgo()).
			Order("d.id", "y.watch_id"), &e.Deliveries},
		{from("webhooks AS r").ColumnExpr("id, watch_id, host, format, kinds, created_at, confirmed_at, paused_at, suspended_at, ended_at, removed_at, tried_at, accepted_at, replay_at, not_before, error").
			Order("id"), &e.Webhooks},
	} {
		if err := part.query.Where("r.account_id = ?", account).Scan(ctx, part.rows); err != nil {
			return Export{}, err
		}
	}
	e.name(l.ids)
	return e, nil
}

// name gives everything the id that the API has for it.
func (e *Export) name(ids *opaque.Keys) {
	for i := range e.Addresses {
		e.Addresses[i].WatchID = ids.ID(vigie.KindWatch, e.Addresses[i].WatchNumber)
	}
	for i := range e.Mails {
		e.Mails[i].ID = ids.ID(vigie.KindMail, e.Mails[i].Number)
	}
	for i := range e.Webhooks {
		w := &e.Webhooks[i]
		w.ID, w.WatchID = ids.ID(vigie.KindWebhook, w.Number), ids.ID(vigie.KindWatch, w.WatchNumber)
	}
	for i := range e.Deliveries {
		d := &e.Deliveries[i]
		if d.WatchNumber != 0 {
			d.WatchID = ids.ID(vigie.KindWatch, d.WatchNumber)
		}
		if d.MailNumber != nil {
			d.MailID = new(ids.ID(vigie.KindMail, *d.MailNumber))
		}
	}
}
