-- The fingerprints of the secrets that this database was used with. A server that
-- signs with another secret must stop.
CREATE TABLE secrets (
	fingerprint TEXT PRIMARY KEY,
	known_at TIMESTAMPTZ NOT NULL,
	-- Whether the server that started last signs with it.
	signing BOOLEAN NOT NULL
);
