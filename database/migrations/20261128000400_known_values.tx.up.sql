-- The columns that hold names of values accept only these names: no other way into
-- the database can store what nothing understands. A later migration that adds a
-- name replaces the constraint. store/mend.go repairs older rows first.
ALTER TABLE accounts ADD CONSTRAINT accounts_locale_known CHECK (locale IN ('FR', 'EN'));

--bun:split
ALTER TABLE accounts ADD CONSTRAINT accounts_digest_day_known CHECK (digest_day IN ('MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'));

--bun:split
ALTER TABLE watches ADD CONSTRAINT watches_keyword_mode_known CHECK (keyword_mode IN ('ALL', 'ANY'));

--bun:split
ALTER TABLE watches ADD CONSTRAINT watches_frequency_known CHECK (frequency IN ('IMMEDIATE', 'DAILY', 'WEEKLY'));

--bun:split
ALTER TABLE watches ADD CONSTRAINT watches_natures_known CHECK (replace(replace(replace(replace(replace(CAST(natures AS TEXT), '"WORKS"', ''), '"SUPPLIES"', ''), '"SERVICES"', ''), ',', ''), ' ', '') = '[]');

--bun:split
ALTER TABLE tenders ADD CONSTRAINT tenders_natures_known CHECK (replace(replace(replace(replace(replace(CAST(natures AS TEXT), '"WORKS"', ''), '"SUPPLIES"', ''), '"SERVICES"', ''), ',', ''), ' ', '') = '[]');

--bun:split
ALTER TABLE tenders ADD CONSTRAINT tenders_procedure_known CHECK (procedure IN ('', 'OPEN', 'RESTRICTED', 'NEGOTIATED', 'COMPETITIVE_DIALOGUE', 'ADAPTED', 'OTHER'));

--bun:split
ALTER TABLE tenders ADD CONSTRAINT tenders_outcome_known CHECK (outcome IN ('', 'PLANNED', 'CANCELLED', 'AWARDED', 'WITHDRAWN'));

--bun:split
ALTER TABLE notices ADD CONSTRAINT notices_kind_known CHECK (kind IN ('CONTRACT_NOTICE', 'CORRECTION', 'CANCELLATION', 'AWARD', 'PLANNING'));

--bun:split
ALTER TABLE deliveries ADD CONSTRAINT deliveries_kind_known CHECK (kind IN ('NEW', 'CORRECTED', 'CANCELLED', 'CLOSING_SOON'));

--bun:split
ALTER TABLE delivery_holds ADD CONSTRAINT delivery_holds_reason_known CHECK (reason IN ('WATCH_INACTIVE', 'WATCH_DELETED', 'ADDRESS_UNCONFIRMED'));

--bun:split
ALTER TABLE mails ADD CONSTRAINT mails_kind_known CHECK (kind IN ('DIGEST', 'QUIET', 'CONFIRMATION'));

--bun:split
ALTER TABLE mails ADD CONSTRAINT mails_state_known CHECK (state IN ('OPEN', 'SENT', 'DROPPED', 'FAILED', 'ASIDE'));

--bun:split
ALTER TABLE recipients ADD CONSTRAINT recipients_confirmed_by_known CHECK (confirmed_by IN ('LINK', 'IMPORT'));
