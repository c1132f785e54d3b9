-- A message that a webhook accepted is sent again where its owner asks for that: replay_at is when that was, until it was
-- accepted again; replays is how often it was, replayed_at when it last was.
ALTER TABLE mails ADD COLUMN replay_at TIMESTAMPTZ;

--bun:split
ALTER TABLE mails ADD COLUMN replays BIGINT NOT NULL DEFAULT 0;

--bun:split
ALTER TABLE mails ADD COLUMN replayed_at TIMESTAMPTZ;

--bun:split
CREATE INDEX mails_replay ON mails (recipient_id, id) WHERE replay_at IS NOT NULL;

--bun:split
-- When messages to it were last asked to be sent again.
ALTER TABLE webhooks ADD COLUMN replay_at TIMESTAMPTZ;

--bun:split
-- The endpoint asked not to be tried before that time.
ALTER TABLE webhooks ADD COLUMN not_before TIMESTAMPTZ;

--bun:split
-- How often it got another URL in the day that began at url_changes_since.
ALTER TABLE webhooks ADD COLUMN url_changes BIGINT NOT NULL DEFAULT 0;

--bun:split
ALTER TABLE webhooks ADD COLUMN url_changes_since TIMESTAMPTZ;

--bun:split
-- Recipients in the order in which they are decided about, also where many are due at the same moment.
CREATE INDEX recipients_due_in_order ON recipients (channel, look_at, id) WHERE look_at IS NOT NULL;

--bun:split
DROP INDEX recipients_due;
