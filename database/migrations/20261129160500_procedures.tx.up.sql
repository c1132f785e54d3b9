-- The procedures that a watch looks for.
ALTER TABLE watches ADD COLUMN procedures JSONB NOT NULL DEFAULT '[]' CHECK (replace(replace(replace(replace(replace(replace(replace(replace(CAST(procedures AS TEXT), '"OPEN"', ''), '"RESTRICTED"', ''), '"NEGOTIATED"', ''), '"COMPETITIVE_DIALOGUE"', ''), '"ADAPTED"', ''), '"OTHER"', ''), ',', ''), ' ', '') = '[]');
