-- The items that consumers could not process and skipped. kind says what the item
-- is; number is its place in the order of changes; detail is what else the
-- consumer needs to try again; retry asks it to.
CREATE TABLE quarantine (
	consumer TEXT NOT NULL,
	item BIGINT NOT NULL,
	kind TEXT NOT NULL,
	number BIGINT NOT NULL,
	detail TEXT NOT NULL,
	error TEXT NOT NULL,
	tries BIGINT NOT NULL,
	first_at TIMESTAMPTZ NOT NULL,
	last_at TIMESTAMPTZ NOT NULL,
	retry BOOLEAN NOT NULL,
	PRIMARY KEY (consumer, item)
);
