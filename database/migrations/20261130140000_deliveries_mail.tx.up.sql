-- Deliveries are found by the mail that they are in. Of those in none there are many, which SQLite would read all to find a
-- few recipients' own.
DROP INDEX deliveries_mail;

--bun:split
CREATE INDEX deliveries_mail ON deliveries (mail_id) WHERE mail_id IS NOT NULL;
