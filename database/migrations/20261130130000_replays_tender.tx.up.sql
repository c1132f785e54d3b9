-- What is sent to a webhook before a message is found by their tender, however much waits for the webhook.
DROP INDEX mails_replay;

--bun:split
CREATE INDEX mails_replay ON mails (recipient_id, tender_id) WHERE replay_at IS NOT NULL;
