-- Lists leave out what their reader dismissed.
CREATE INDEX tender_marks_dismissed ON tender_marks (account_id) WHERE dismissed_at IS NOT NULL;
