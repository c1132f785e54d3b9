-- When a notice came: nobody is alerted of one that was published long before
-- that. Null: it came before this was recorded.
ALTER TABLE notices ADD COLUMN received_at TIMESTAMPTZ;
