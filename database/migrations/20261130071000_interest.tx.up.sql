-- Tenders that a person wants to study.
ALTER TABLE tender_marks ADD COLUMN interested_at TIMESTAMPTZ;

--bun:split
CREATE INDEX tender_marks_interested ON tender_marks (account_id) WHERE interested_at IS NOT NULL;
