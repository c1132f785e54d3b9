package database

import (
	"context"

	"github.com/uptrace/bun"
)

// PersonalTable is a table with data of people. [PersonalTables] is the only list of them: erasure works from it, and
// tests compare the schema, the export and what is left after an erasure with it.
type PersonalTable struct {
	Name string
	// Rows is the condition for the rows of an account, ?0. It is empty where rows belong to several accounts, so that
	// code decides.
	Rows string
	// Clear is how erasure empties the rows, in SQL, where they stay; KeptBy says which code does that instead. Where
	// both are empty, erasure deletes the rows.
	Clear, KeptBy string
	// Exported are the columns that a person gets a copy of: the member of the export, by column.
	Exported map[string]string
	// Internal are the other columns: ids, numbers, states of processing, and what is computed from exported columns.
	Internal []string
}

// Conditions for the rows of an account.
const (
	ofRecipients = "recipient_id IN (SELECT id FROM recipients WHERE account_id = ?0)"
	ofDeliveries = "delivery_id IN (SELECT id FROM deliveries WHERE " + ofRecipients + ")"
	ofWatches    = "watch_id IN (SELECT id FROM watches WHERE account_id = ?0)"
	ofAccount    = "account_id = ?0"
)

// PersonalTables returns the tables with data of people, in the order in which erasure can delete rows.
func PersonalTables() []PersonalTable {
	return []PersonalTable{
		{Name: "quarantine", Internal: []string{"consumer", "item", "kind", "number", "detail", "error", "tries", "first_at", "last_at", "retry"},
			// The text of an error may name an address or a watch. The items of other consumers hold no data of people.
			Rows: "(consumer IN ('mails', 'webhooks') AND (item IN (SELECT id FROM recipients WHERE account_id = ?0) OR item IN (SELECT id FROM mails WHERE " + ofRecipients + "))" +
				" OR consumer = 'matcher' AND item IN (SELECT id FROM watches WHERE account_id = ?0))"},
		{Name: "delivery_holds", Rows: ofDeliveries, Exported: map[string]string{"since": "deliveries.heldAt"}, Internal: []string{"delivery_id", "reason"}},
		{Name: "reasons", Rows: ofDeliveries, Exported: map[string]string{"watch_id": "deliveries.watchId", "keywords": "deliveries.keywords"}, Internal: []string{"delivery_id"}},
		{Name: "deliveries", Rows: ofRecipients,
			Exported: map[string]string{
				"tender_id": "deliveries.title", "kind": "deliveries.kind", "created_at": "deliveries.createdAt",
				"dropped_at": "deliveries.droppedAt", "mail_id": "deliveries.mailId",
			},
			Internal: []string{"id", "recipient_id", "notice_id", "number", "urgent", "due_at"}},
		{Name: "mails", Rows: ofRecipients,
			Exported: map[string]string{
				"id": "mails.id", "recipient_id": "mails.email", "kind": "mails.kind", "message_id": "mails.messageId",
				"created_at": "mails.createdAt", "state": "mails.state", "closed_at": "mails.closedAt", "error": "mails.error",
				"replay_at": "mails.replayAt", "replays": "mails.replays", "replayed_at": "mails.replayedAt",
			},
			Internal: []string{"tender_id", "attempts", "retry_at", "leased_until"}},
		{Name: "subscriptions", Rows: ofRecipients,
			Exported: map[string]string{"watch_id": "addresses.watchId", "left_at": "addresses.leftWatchAt", "removed_at": "addresses.removedAt"},
			Internal: []string{"id", "recipient_id", "position", "heard_at"}},
		{Name: "recipients", Rows: ofAccount,
			Exported: map[string]string{
				"email": "addresses.email", "created_at": "addresses.createdAt", "confirmed_at": "addresses.confirmedAt",
				"confirmed_by": "addresses.confirmedBy", "left_at": "addresses.leftAt",
			},
			Internal: []string{"id", "account_id", "address_key", "asking", "look_at", "unvouched_at", "channel", "webhook_id"}},
		{Name: "webhooks", Rows: ofAccount,
			Exported: map[string]string{
				"id": "webhooks.id", "watch_id": "webhooks.watchId", "host": "webhooks.host", "format": "webhooks.format", "kinds": "webhooks.kinds",
				"created_at": "webhooks.createdAt", "confirmed_at": "webhooks.confirmedAt", "paused_at": "webhooks.pausedAt",
				"suspended_at": "webhooks.suspendedAt", "ended_at": "webhooks.endedAt", "removed_at": "webhooks.removedAt",
				"tried_at": "webhooks.triedAt", "accepted_at": "webhooks.acceptedAt", "error": "webhooks.error",
				"replay_at": "webhooks.replayAt", "not_before": "webhooks.notBefore",
			},
			// The URL and the secrets are encrypted, and whoever has one of them may act as the account.
			Internal: []string{"account_id", "sealed", "note_id", "url_changes", "url_changes_since"}},
		{Name: "addresses", KeptBy: "Ledger.keepFingerprints",
			Exported: map[string]string{"bounced_at": "addresses.bouncedAt"},
			// How often an address was asked is counted over all accounts.
			Internal: []string{"address_key", "asks", "asked_at"}},
		{Name: "forgotten_addresses", KeptBy: "Ledger.keepFingerprints", Internal: []string{"fingerprint", "left_at", "bounced_at", "asks", "asked_at"}},
		{Name: "tender_marks", Rows: ofAccount,
			Exported: map[string]string{"tender_id": "marks.title", "seen_at": "marks.seenAt", "dismissed_at": "marks.dismissedAt", "interested_at": "marks.interestedAt"},
			// What reminders go by: the mark's time and the tender's deadline, or those when the days were last changed.
			Internal: []string{"account_id", "remind_from", "remind_deadline"}},
		{Name: "watch_periods", Rows: ofWatches, Internal: []string{"watch_id", "since", "until"}},
		{Name: "watch_buyers", Rows: ofWatches, Exported: map[string]string{"buyer_id": "watches.buyers"}, Internal: []string{"watch_id", "position"}},
		{Name: "watch_external_ids", Rows: ofAccount, Exported: map[string]string{"external_id": "watches.externalId"}, Internal: []string{"account_id", "watch_id"}},
		// By these rows an import knows not to create the watches again.
		{Name: "imported_watches", Rows: ofWatches, Clear: "digest = ''",
			Exported: map[string]string{"external_id": "watches.externalId"}, Internal: []string{"issuer", "watch_id", "digest", "imported_at"}},
		// The entries of an agent who is erased are cleared by Store.clearAuditEntries.
		{Name: "accesses", Rows: ofAccount, Clear: "account_subject = ''",
			Exported: map[string]string{"at": "accesses.at", "field": "accesses.field"}, Internal: []string{"id", "issuer", "subject", "account_id", "account_subject"}},
		{Name: "watches", Rows: ofAccount, KeptBy: "Store.Erase",
			Exported: map[string]string{
				"id": "watches.id", "name": "watches.name", "keywords": "watches.keywords", "keyword_mode": "watches.keywordMode",
				"excluded_keywords": "watches.excludedKeywords", "departments": "watches.departments", "include_nationwide": "watches.includeNationwide",
				"natures": "watches.natures", "procedures": "watches.procedures", "cpv_codes": "watches.cpvCodes", "active": "watches.active",
				"deadline_kinds": "watches.deadlineKinds", "techniques": "watches.techniques", "min_value": "watches.minValue",
				"max_value": "watches.maxValue", "include_unknown_value": "watches.includeUnknownValue",
				"frequency": "watches.frequency", "created_at": "watches.createdAt", "updated_at": "watches.updatedAt", "deleted_at": "watches.deletedAt",
			},
			Internal: []string{"account_id", "name_key", "number", "since", "paused", "catch_up_from", "feed_version"}},
		{Name: "accounts", Rows: "id = ?0", KeptBy: "Store.Erase",
			Exported: map[string]string{
				"issuer": "account.issuer", "subject": "account.subject", "email": "account.email", "email_verified": "account.emailVerified",
				"email_verified_at": "account.emailVerifiedAt", "name": "account.name", "locale": "account.locale", "time_zone": "account.timeZone",
				"digest_hour": "account.digestHour", "digest_day": "account.digestDay", "quiet_notes": "account.quietNotes",
				"calendar_alarm_days": "account.calendarAlarmDays", "reminder_days": "account.reminderDays", "created_at": "account.createdAt",
			},
			Internal: []string{"id", "imported", "feed_version", "remind_at"}},
	}
}

// ErasePersonalData deletes the rows of an account from the tables that [PersonalTables] lists, or clears them; those
// that other code keeps stay as they are.
func ErasePersonalData(ctx context.Context, tx bun.Tx, account int64) error {
	for _, t := range PersonalTables() {
		if t.KeptBy != "" {
			continue
		}
		statement := "DELETE FROM " + t.Name + " WHERE " + t.Rows
		if t.Clear != "" {
			statement = "UPDATE " + t.Name + " SET " + t.Clear + " WHERE " + t.Rows
		}
		if _, err := tx.NewRaw(statement, account).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
