-- What a bidder decides by (vigie.Details).
ALTER TABLE tenders ADD COLUMN details JSONB NOT NULL DEFAULT '{}';
