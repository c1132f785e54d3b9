-- What a platform calls the watches of an account, as it said when it stored
-- them with upsertWatches. Those that were imported have a row in
-- imported_watches.
CREATE TABLE watch_external_ids (
	account_id BIGINT NOT NULL REFERENCES accounts (id),
	external_id TEXT NOT NULL,
	watch_id BIGINT NOT NULL REFERENCES watches (id),
	PRIMARY KEY (account_id, external_id)
);

--bun:split
CREATE INDEX watch_external_ids_watch ON watch_external_ids (watch_id);
