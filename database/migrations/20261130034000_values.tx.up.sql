-- What a watch looks for beside: kinds of deadline, techniques, and values between two bounds in euros.
ALTER TABLE watches ADD COLUMN deadline_kinds JSONB NOT NULL DEFAULT '[]' CHECK (replace(replace(replace(replace(replace(CAST(deadline_kinds AS TEXT), '"BIDS"', ''), '"PARTICIPATION"', ''), '"INTEREST"', ''), ',', ''), ' ', '') = '[]');

--bun:split
ALTER TABLE watches ADD COLUMN techniques JSONB NOT NULL DEFAULT '[]' CHECK (replace(replace(replace(replace(replace(CAST(techniques AS TEXT), '"CONTRACT"', ''), '"FRAMEWORK"', ''), '"DYNAMIC_PURCHASING_SYSTEM"', ''), ',', ''), ' ', '') = '[]');

--bun:split
ALTER TABLE watches ADD COLUMN min_value TEXT NOT NULL DEFAULT '';

--bun:split
ALTER TABLE watches ADD COLUMN max_value TEXT NOT NULL DEFAULT '';

--bun:split
ALTER TABLE watches ADD COLUMN include_unknown_value BOOLEAN NOT NULL DEFAULT TRUE;
