-- The number of the last change of a buyer's names, or of its merge: what is kept in memory of names follows by it.
ALTER TABLE buyers ADD COLUMN names_number BIGINT NOT NULL DEFAULT 0;

--bun:split
CREATE INDEX buyers_names_number ON buyers (names_number);
