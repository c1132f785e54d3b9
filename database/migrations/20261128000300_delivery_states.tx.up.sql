-- The deliveries that are held, for they may not be sent, but may be again: since
-- when, and what stands in the way. It is a table of its own because the version
-- before reads all columns of deliveries, and fails on one that it does not know.
CREATE TABLE delivery_holds (
	delivery_id BIGINT PRIMARY KEY REFERENCES deliveries (id) ON DELETE CASCADE,
	since TIMESTAMPTZ NOT NULL,
	reason TEXT NOT NULL
);

--bun:split
-- The times, as change numbers, in which a watch was on, and that have ended: a
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
-- Since when the issuer does not vouch any more for an address that it vouched
-- for; null where it does, or never did. What such an address is owed is held.
ALTER TABLE recipients ADD COLUMN unvouched_at TIMESTAMPTZ;
