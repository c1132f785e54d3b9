-- A notice that was published by mistake, and taken back.
ALTER TABLE notices ADD COLUMN withdrawn BOOLEAN NOT NULL DEFAULT FALSE;

--bun:split
-- What platforms call buyers.
CREATE TABLE buyer_refs (
	source TEXT NOT NULL,
	ref TEXT NOT NULL,
	buyer_id BIGINT NOT NULL REFERENCES buyers (id),
	PRIMARY KEY (source, ref)
);

--bun:split
CREATE INDEX buyer_refs_buyer ON buyer_refs (buyer_id);
