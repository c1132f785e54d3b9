-- One row: the number of the last change. Whoever raises it holds the row
-- until the end of its transaction, so numbers commit in their order.
CREATE TABLE change_numbers (
	one BOOLEAN PRIMARY KEY CHECK (one),
	last BIGINT NOT NULL
);

--bun:split
INSERT INTO change_numbers (one, last) VALUES (TRUE, 0);

--bun:split
CREATE TABLE settings (
	name TEXT PRIMARY KEY,
	value TEXT NOT NULL
);

--bun:split
CREATE TABLE accounts (
	id BIGINT PRIMARY KEY,
	issuer TEXT NOT NULL,
	subject TEXT NOT NULL,
	email TEXT NOT NULL,
	email_verified BOOLEAN NOT NULL,
	name TEXT NOT NULL,
	locale TEXT NOT NULL,
	time_zone TEXT NOT NULL,
	digest_hour INTEGER NOT NULL CHECK (digest_hour BETWEEN 0 AND 23),
	digest_day TEXT NOT NULL,
	quiet_notes BOOLEAN NOT NULL,
	created_at TIMESTAMPTZ NOT NULL,
	UNIQUE (issuer, subject)
);

--bun:split
CREATE TABLE buyers (
	id BIGINT PRIMARY KEY,
	name TEXT NOT NULL,
	folded_name TEXT NOT NULL,
	named_at TIMESTAMPTZ NOT NULL,
	siret TEXT UNIQUE,
	city TEXT NOT NULL,
	department_code TEXT NOT NULL,
	number BIGINT NOT NULL,
	merged_into BIGINT REFERENCES buyers (id)
);

--bun:split
CREATE INDEX buyers_merged_into ON buyers (merged_into);

--bun:split
-- Every name, folded, that a buyer was published with, and where it sat.
CREATE TABLE buyer_names (
	folded_name TEXT NOT NULL,
	department_code TEXT NOT NULL,
	buyer_id BIGINT NOT NULL REFERENCES buyers (id),
	PRIMARY KEY (folded_name, department_code, buyer_id)
);

--bun:split
CREATE INDEX buyer_names_buyer ON buyer_names (buyer_id);

--bun:split
CREATE TABLE tenders (
	id BIGINT PRIMARY KEY,
	source TEXT NOT NULL,
	source_ref TEXT NOT NULL,
	reference TEXT NOT NULL,
	title TEXT NOT NULL,
	description TEXT NOT NULL,
	departments JSONB NOT NULL,
	natures JSONB NOT NULL,
	procedure TEXT NOT NULL,
	cpv_codes JSONB NOT NULL,
	labels JSONB NOT NULL,
	lots JSONB NOT NULL,
	deadline TIMESTAMPTZ,
	deadline_text TEXT NOT NULL,
	url TEXT NOT NULL,
	buyer_id BIGINT NOT NULL REFERENCES buyers (id),
	published_at TIMESTAMPTZ NOT NULL,
	outcome TEXT NOT NULL,
	number BIGINT NOT NULL UNIQUE,
	merged_into BIGINT REFERENCES tenders (id)
);

--bun:split
CREATE INDEX tenders_buyer ON tenders (buyer_id, merged_into, outcome, deadline);

--bun:split
CREATE INDEX tenders_merged_into ON tenders (merged_into);

--bun:split
-- Which tender a source's reference is about: a notice's, or one that a
-- notice names and that may yet come.
CREATE TABLE tender_refs (
	source TEXT NOT NULL,
	ref TEXT NOT NULL,
	tender_id BIGINT NOT NULL REFERENCES tenders (id),
	PRIMARY KEY (source, ref)
);

--bun:split
CREATE INDEX tender_refs_tender ON tender_refs (tender_id);

--bun:split
CREATE TABLE notices (
	id BIGINT PRIMARY KEY,
	source TEXT NOT NULL,
	source_ref TEXT NOT NULL,
	revision BIGINT NOT NULL,
	tender_id BIGINT NOT NULL REFERENCES tenders (id),
	kind TEXT NOT NULL,
	published_at TIMESTAMPTZ NOT NULL,
	links JSONB NOT NULL,
	buyer JSONB NOT NULL,
	content JSONB NOT NULL,
	UNIQUE (source, source_ref, revision)
);

--bun:split
CREATE INDEX notices_tender ON notices (tender_id);

--bun:split
CREATE TABLE watches (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id),
	name TEXT NOT NULL,
	name_key TEXT NOT NULL,
	keywords JSONB NOT NULL,
	keyword_mode TEXT NOT NULL,
	excluded_keywords JSONB NOT NULL,
	departments JSONB NOT NULL,
	include_nationwide BOOLEAN NOT NULL,
	natures JSONB NOT NULL,
	cpv_codes JSONB NOT NULL,
	active BOOLEAN NOT NULL,
	frequency TEXT NOT NULL,
	created_at TIMESTAMPTZ NOT NULL,
	updated_at TIMESTAMPTZ NOT NULL,
	deleted_at TIMESTAMPTZ,
	number BIGINT NOT NULL UNIQUE,
	since BIGINT NOT NULL
);

--bun:split
CREATE UNIQUE INDEX watches_name ON watches (account_id, name_key) WHERE deleted_at IS NULL;

--bun:split
CREATE TABLE watch_buyers (
	watch_id BIGINT NOT NULL REFERENCES watches (id),
	position BIGINT NOT NULL,
	buyer_id BIGINT NOT NULL REFERENCES buyers (id),
	PRIMARY KEY (watch_id, position)
);

--bun:split
CREATE INDEX watch_buyers_buyer ON watch_buyers (buyer_id);

--bun:split
-- An address that gets an account's mail; address_key is it in lower case.
CREATE TABLE recipients (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id),
	address_key TEXT NOT NULL,
	email TEXT NOT NULL,
	confirmed_at TIMESTAMPTZ,
	left_at TIMESTAMPTZ,
	bounced_at TIMESTAMPTZ,
	created_at TIMESTAMPTZ NOT NULL,
	UNIQUE (account_id, address_key)
);

--bun:split
-- A recipient on a watch; one that was removed keeps its row and its state.
CREATE TABLE subscriptions (
	id BIGINT PRIMARY KEY,
	watch_id BIGINT NOT NULL REFERENCES watches (id),
	recipient_id BIGINT NOT NULL REFERENCES recipients (id),
	position BIGINT NOT NULL,
	left_at TIMESTAMPTZ,
	removed_at TIMESTAMPTZ,
	UNIQUE (watch_id, recipient_id)
);

--bun:split
CREATE INDEX subscriptions_recipient ON subscriptions (recipient_id);

--bun:split
-- The search indexes that were begun; reached is the last change that the index
-- was seen to hold, null until it has caught up for the first time.
CREATE TABLE search_indexes (
	name TEXT PRIMARY KEY,
	version TEXT NOT NULL,
	generation BIGINT NOT NULL,
	reached BIGINT,
	UNIQUE (version, generation)
);
