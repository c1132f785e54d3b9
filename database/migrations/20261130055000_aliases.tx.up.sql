-- Few tenders and buyers are merged into others: an index of those alone is not written for each new row, and no planner
-- takes « not merged » for a way to find something.
DROP INDEX tenders_merged_into;

--bun:split
CREATE INDEX tenders_aliases ON tenders (merged_into) WHERE merged_into IS NOT NULL;

--bun:split
DROP INDEX buyers_merged_into;

--bun:split
CREATE INDEX buyers_aliases ON buyers (merged_into) WHERE merged_into IS NOT NULL;
