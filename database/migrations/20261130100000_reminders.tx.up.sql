-- How many days before its deadline an account is reminded of a tender of interest, and when to look next whether a reminder
-- is due; null where it wants none.
ALTER TABLE accounts ADD COLUMN reminder_days JSONB NOT NULL DEFAULT '[]';

--bun:split
ALTER TABLE accounts ADD COLUMN remind_at TIMESTAMPTZ;

--bun:split
CREATE INDEX accounts_remind ON accounts (remind_at) WHERE remind_at IS NOT NULL;

--bun:split
-- Since when reminders go by a mark: when it was put, or the days were changed. And the deadline that the tender had then.
ALTER TABLE tender_marks ADD COLUMN remind_from TIMESTAMPTZ;

--bun:split
ALTER TABLE tender_marks ADD COLUMN remind_deadline TIMESTAMPTZ;

--bun:split
ALTER TABLE deliveries DROP CONSTRAINT deliveries_kind_known;

--bun:split
ALTER TABLE deliveries ADD CONSTRAINT deliveries_kind_known CHECK (kind IN ('NEW', 'CORRECTED', 'CANCELLED', 'CLOSING_SOON', 'REMINDER'));

--bun:split
ALTER TABLE webhooks DROP CONSTRAINT webhooks_kinds_known;

--bun:split
ALTER TABLE webhooks ADD CONSTRAINT webhooks_kinds_known CHECK (replace(replace(replace(replace(replace(replace(replace(CAST(kinds AS TEXT), '"NEW"', ''), '"CORRECTED"', ''), '"CANCELLED"', ''), '"CLOSING_SOON"', ''), '"REMINDER"', ''), ',', ''), ' ', '') = '[]');
