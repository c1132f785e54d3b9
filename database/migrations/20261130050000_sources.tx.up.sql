-- The public sources that are followed.
CREATE TABLE sources (
	name TEXT PRIMARY KEY,
	started_on TEXT NOT NULL,
	failures INTEGER NOT NULL DEFAULT 0,
	last_error TEXT NOT NULL DEFAULT '',
	failed_at TIMESTAMPTZ,
	retry_at TIMESTAMPTZ
);

--bun:split
-- Their days that were read whole.
CREATE TABLE source_days (
	source TEXT NOT NULL,
	day TEXT NOT NULL,
	read_at TIMESTAMPTZ NOT NULL,
	notices INTEGER NOT NULL,
	PRIMARY KEY (source, day)
);
