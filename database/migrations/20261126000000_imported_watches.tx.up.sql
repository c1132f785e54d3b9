-- How the owner of an address agreed to be written to, where confirmed_at says
-- when: LINK or IMPORT.
ALTER TABLE recipients ADD COLUMN confirmed_by TEXT;

--bun:split
UPDATE recipients SET confirmed_by = 'LINK' WHERE confirmed_at IS NOT NULL;

--bun:split
-- Since when the issuer vouches for an account's address, null where it does
-- not.
ALTER TABLE accounts ADD COLUMN email_verified_at TIMESTAMPTZ;

--bun:split
UPDATE accounts SET email_verified_at = created_at WHERE email_verified;

--bun:split
-- An imported account is one that nobody has signed in to yet: all that is
-- known of it is what an import said.
ALTER TABLE accounts ADD COLUMN imported BOOLEAN NOT NULL DEFAULT FALSE;

--bun:split
-- Which watch a line of an import became; external_id is the number that the
-- issuer's platform gave it. digest tells whether the line has changed since;
-- imported_at is the watch's updated_at, unless a person changed it.
CREATE TABLE imported_watches (
	issuer TEXT NOT NULL,
	external_id TEXT NOT NULL,
	watch_id BIGINT NOT NULL REFERENCES watches (id),
	digest TEXT NOT NULL,
	imported_at TIMESTAMPTZ NOT NULL,
	PRIMARY KEY (issuer, external_id)
);

--bun:split
CREATE INDEX imported_watches_watch ON imported_watches (watch_id);
