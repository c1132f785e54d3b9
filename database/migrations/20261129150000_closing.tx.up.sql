-- When the source stops showing a tender without a deadline, and what a deadline is for.
ALTER TABLE tenders ADD COLUMN online_until TIMESTAMPTZ;

--bun:split
ALTER TABLE tenders ADD COLUMN deadline_kind TEXT NOT NULL DEFAULT '' CHECK (deadline_kind IN ('', 'PARTICIPATION', 'INTEREST'));

--bun:split
-- Buyers are listed with how many tenders they have online.
CREATE INDEX tenders_buyer_closing ON tenders (buyer_id, merged_into, outcome, deadline, online_until);

--bun:split
DROP INDEX tenders_buyer;
