-- How far those who read changes in their order have come, and when they last
-- saw that there were no more.
CREATE TABLE consumers (
	name TEXT PRIMARY KEY,
	cursor BIGINT NOT NULL,
	seen_at TIMESTAMPTZ
);

--bun:split
-- What was published before there were alerts is not mailed.
INSERT INTO consumers (name, cursor) SELECT 'alerts', last FROM change_numbers;

--bun:split
-- A quiet notice is listed, and mailed to nobody.
ALTER TABLE notices ADD COLUMN quiet BOOLEAN NOT NULL DEFAULT FALSE;

--bun:split
-- paused is the number at which a watch was last switched off; catch_up_from
-- the one from which it shall catch up, null where there is nothing to do.
ALTER TABLE watches ADD COLUMN paused BIGINT;

--bun:split
ALTER TABLE watches ADD COLUMN catch_up_from BIGINT;

--bun:split
CREATE INDEX watches_catch_up ON watches (id) WHERE catch_up_from IS NOT NULL;

--bun:split
-- What holds for an address on all accounts: that nobody is there, and how
-- often it was asked whether it may be written to.
CREATE TABLE addresses (
	address_key TEXT PRIMARY KEY,
	bounced_at TIMESTAMPTZ,
	asks BIGINT NOT NULL,
	asked_at TIMESTAMPTZ
);

--bun:split
ALTER TABLE recipients DROP COLUMN bounced_at;

--bun:split
-- asking is whether the address is still to be asked for its consent; look_at
-- is when there may be something to write to it, null for nothing.
ALTER TABLE recipients ADD COLUMN asking BOOLEAN NOT NULL DEFAULT FALSE;

--bun:split
ALTER TABLE recipients ADD COLUMN look_at TIMESTAMPTZ;

--bun:split
CREATE INDEX recipients_look ON recipients (look_at) WHERE look_at IS NOT NULL;

--bun:split
CREATE INDEX recipients_address ON recipients (address_key);

--bun:split
-- When the recipient last heard of the watch; null: not yet.
ALTER TABLE subscriptions ADD COLUMN heard_at TIMESTAMPTZ;

--bun:split
-- A mail on its way, or what became of it. leased_until, in milliseconds of the
-- database's clock, keeps others away while it is being sent.
CREATE TABLE mails (
	id BIGINT PRIMARY KEY,
	recipient_id BIGINT NOT NULL REFERENCES recipients (id),
	kind TEXT NOT NULL,
	message_id TEXT NOT NULL UNIQUE,
	created_at TIMESTAMPTZ NOT NULL,
	state TEXT NOT NULL,
	attempts BIGINT NOT NULL,
	retry_at TIMESTAMPTZ NOT NULL,
	leased_until BIGINT NOT NULL,
	closed_at TIMESTAMPTZ,
	error TEXT NOT NULL
);

--bun:split
-- One mail at a time to each: what comes later waits.
CREATE UNIQUE INDEX mails_open ON mails (recipient_id) WHERE state = 'OPEN';

--bun:split
CREATE INDEX mails_retry ON mails (retry_at) WHERE state = 'OPEN';

--bun:split
CREATE INDEX mails_recipient ON mails (recipient_id, closed_at);

--bun:split
-- The ledger: that a recipient shall hear, or heard, of what happened to a
-- tender. notice_id is 0 where no notice made it happen; number is the tender's
-- change that it tells of; due_at is when to look whether it is due.
CREATE TABLE deliveries (
	id BIGINT PRIMARY KEY,
	recipient_id BIGINT NOT NULL REFERENCES recipients (id),
	tender_id BIGINT NOT NULL REFERENCES tenders (id),
	kind TEXT NOT NULL,
	notice_id BIGINT NOT NULL,
	number BIGINT NOT NULL,
	urgent BOOLEAN NOT NULL,
	created_at TIMESTAMPTZ NOT NULL,
	due_at TIMESTAMPTZ NOT NULL,
	mail_id BIGINT REFERENCES mails (id),
	dropped_at TIMESTAMPTZ,
	UNIQUE (recipient_id, tender_id, kind, notice_id)
);

--bun:split
CREATE INDEX deliveries_waiting ON deliveries (recipient_id, due_at) WHERE mail_id IS NULL AND dropped_at IS NULL;

--bun:split
CREATE INDEX deliveries_tender ON deliveries (tender_id, recipient_id);

--bun:split
CREATE INDEX deliveries_mail ON deliveries (mail_id);

--bun:split
-- The watches that led to a delivery, and their keywords that were found.
CREATE TABLE reasons (
	delivery_id BIGINT NOT NULL REFERENCES deliveries (id),
	watch_id BIGINT NOT NULL REFERENCES watches (id),
	keywords JSONB NOT NULL,
	PRIMARY KEY (delivery_id, watch_id)
);

--bun:split
CREATE INDEX reasons_watch ON reasons (watch_id, delivery_id);

--bun:split
-- What a person did with a tender.
CREATE TABLE tender_marks (
	account_id BIGINT NOT NULL REFERENCES accounts (id),
	tender_id BIGINT NOT NULL REFERENCES tenders (id),
	seen_at TIMESTAMPTZ,
	dismissed_at TIMESTAMPTZ,
	PRIMARY KEY (account_id, tender_id)
);

--bun:split
-- Lists leave out what their reader dismissed.
CREATE INDEX tender_marks_dismissed ON tender_marks (account_id) WHERE dismissed_at IS NOT NULL;
