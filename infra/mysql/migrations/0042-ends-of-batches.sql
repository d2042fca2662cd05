-- A file has its row, with the bytes that it will have, before its pieces: what a dead process left of one has a row that
-- expires.
ALTER TABLE files ADD COLUMN is_whole TINYINT UNSIGNED NOT NULL DEFAULT 1;

-- The counts of an ended batch, whose lines are removed.
ALTER TABLE batches
  ADD COLUMN completed INT UNSIGNED NULL,
  ADD COLUMN failed INT UNSIGNED NULL,
  ADD KEY ix_batches_end (ended_at);

UPDATE batches SET
  completed = (SELECT COUNT(*) FROM batch_lines l WHERE l.batch_id = batches.id AND l.succeeded = 1),
  failed = (SELECT COUNT(*) FROM batch_lines l WHERE l.batch_id = batches.id AND l.succeeded = 0)
WHERE ended_at IS NOT NULL AND completed IS NULL;
