-- What names a notice wherever it is published, whether another source had it, and a procedure at every source (source '').
ALTER TABLE notices ADD COLUMN identifier TEXT NOT NULL DEFAULT '';

--bun:split
ALTER TABLE notices ADD COLUMN copied BOOLEAN NOT NULL DEFAULT FALSE;

--bun:split
INSERT INTO tender_refs (source, ref, tender_id)
SELECT '', ref, MIN(tender_id) FROM tender_refs WHERE source <> '' AND ref LIKE 'procedure:________-____-____-____-____________' GROUP BY ref;
