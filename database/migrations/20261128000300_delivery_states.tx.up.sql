-- The deliveries that are held, because they may not be sent for now: since when,
-- and why. It is a table of its own because the version
-- before reads all columns of deliveries, and fails on one that it does not know.
CREATE TABLE delivery_holds (
	delivery_id BIGINT PRIMARY KEY REFERENCES deliveries (id) ON DELETE CASCADE,
	since TIMESTAMPTZ NOT NULL,
	reason TEXT NOT NULL
);

--bun:split
-- The ended periods, in change numbers, in which a watch was on: a
-- notice of one of them is owed even if the watch is off when the ledger reads
-- it. Those that the ledger has read past are deleted.
CREATE TABLE watch_periods (
	watch_id BIGINT NOT NULL REFERENCES watches (id),
	since BIGINT NOT NULL,
	until BIGINT NOT NULL,
	PRIMARY KEY (watch_id, until)
);

--bun:split
CREATE INDEX watch_periods_until ON watch_periods (until);

--bun:split
-- When the issuer stopped verifying an address; null if it verifies it, or never
-- did. The deliveries of such an address are held.
ALTER TABLE recipients ADD COLUMN unvouched_at TIMESTAMPTZ;
