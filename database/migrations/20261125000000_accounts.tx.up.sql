-- What is still known of addresses whose accounts were erased, so that they are
-- not written to again: never the address, but a hash of it under a key that is
-- not in the database.
CREATE TABLE forgotten_addresses (
	fingerprint TEXT PRIMARY KEY,
	left_at TIMESTAMPTZ,
	bounced_at TIMESTAMPTZ,
	asks BIGINT NOT NULL,
	asked_at TIMESTAMPTZ
);
