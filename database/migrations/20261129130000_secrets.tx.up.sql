-- The secrets that this database was used with, by what can be made of them and
-- not back. Those who sign with one that is not here are to stop.
CREATE TABLE secrets (
	fingerprint TEXT PRIMARY KEY,
	known_at TIMESTAMPTZ NOT NULL,
	-- Whether the server that started last signs with it.
	signing BOOLEAN NOT NULL
);
