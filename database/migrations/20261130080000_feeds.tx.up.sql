-- What the addresses of feeds and calendars are made with: a number that rises when they are replaced. How many days
-- before a deadline a calendar reminds.
ALTER TABLE accounts ADD COLUMN feed_version BIGINT NOT NULL DEFAULT 0;

--bun:split
ALTER TABLE accounts ADD COLUMN calendar_alarm_days INTEGER NOT NULL DEFAULT 2;

--bun:split
ALTER TABLE watches ADD COLUMN feed_version BIGINT NOT NULL DEFAULT 0;
