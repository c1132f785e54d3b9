-- The endpoints that get alerts. One without an account is a platform's, for the watches of all accounts. sealed is the URL
-- with the secrets, encrypted. note_id is the mail that told the owner that nothing is sent to it any more.
CREATE TABLE webhooks (
	id BIGINT PRIMARY KEY,
	account_id BIGINT REFERENCES accounts (id),
	watch_id BIGINT REFERENCES watches (id),
	host TEXT NOT NULL,
	sealed TEXT NOT NULL,
	format TEXT NOT NULL,
	kinds JSONB NOT NULL,
	created_at TIMESTAMPTZ NOT NULL,
	confirmed_at TIMESTAMPTZ,
	paused_at TIMESTAMPTZ,
	suspended_at TIMESTAMPTZ,
	ended_at TIMESTAMPTZ,
	removed_at TIMESTAMPTZ,
	tried_at TIMESTAMPTZ,
	accepted_at TIMESTAMPTZ,
	error TEXT NOT NULL,
	note_id BIGINT NOT NULL
);

--bun:split
ALTER TABLE webhooks ADD CONSTRAINT webhooks_format_known CHECK (format IN ('STANDARD', 'SLACK', 'TEAMS'));

--bun:split
ALTER TABLE webhooks ADD CONSTRAINT webhooks_kinds_known CHECK (replace(replace(replace(replace(replace(replace(CAST(kinds AS TEXT), '"NEW"', ''), '"CORRECTED"', ''), '"CANCELLED"', ''), '"CLOSING_SOON"', ''), ',', ''), ' ', '') = '[]');

--bun:split
CREATE INDEX webhooks_account ON webhooks (account_id);

--bun:split
CREATE INDEX webhooks_watch ON webhooks (watch_id);

--bun:split
-- Through which channel a recipient is reached, and which endpoint it is. The version before neither confirms nor mails one
-- that is a webhook, but keeps what it is owed: it has no consent, and unvouched_at.
ALTER TABLE recipients ADD COLUMN channel TEXT NOT NULL DEFAULT 'MAIL';

--bun:split
ALTER TABLE recipients ADD CONSTRAINT recipients_channel_known CHECK (channel IN ('MAIL', 'WEBHOOK'));

--bun:split
ALTER TABLE recipients ADD COLUMN webhook_id BIGINT REFERENCES webhooks (id);

--bun:split
CREATE INDEX recipients_webhook ON recipients (webhook_id) WHERE webhook_id IS NOT NULL;

--bun:split
CREATE INDEX recipients_due ON recipients (channel, look_at) WHERE look_at IS NOT NULL;

--bun:split
-- A message to a webhook is about one tender; 0 is a mail, which is about many.
ALTER TABLE mails ADD COLUMN tender_id BIGINT NOT NULL DEFAULT 0;

--bun:split
-- One mail at a time to each recipient, and one message about each tender to each webhook.
CREATE UNIQUE INDEX mails_open_tender ON mails (recipient_id, tender_id) WHERE state = 'OPEN';

--bun:split
DROP INDEX mails_open;

--bun:split
ALTER TABLE mails DROP CONSTRAINT mails_kind_known;

--bun:split
ALTER TABLE mails ADD CONSTRAINT mails_kind_known CHECK (kind IN ('DIGEST', 'QUIET', 'CONFIRMATION', 'WEBHOOK_NOTE', 'WEBHOOK'));

--bun:split
ALTER TABLE delivery_holds DROP CONSTRAINT delivery_holds_reason_known;

--bun:split
ALTER TABLE delivery_holds ADD CONSTRAINT delivery_holds_reason_known CHECK (reason IN ('WATCH_INACTIVE', 'WATCH_DELETED', 'ADDRESS_UNCONFIRMED', 'WEBHOOK_INACTIVE'));
