-- The first day that a source is to be filled in from; '' where none was asked for.
ALTER TABLE sources ADD COLUMN fill_from TEXT NOT NULL DEFAULT '';
