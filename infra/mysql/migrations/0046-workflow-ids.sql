-- Ids of workflows say kind and user. NULL, as in rows of before and of processes of an earlier version, is the former id:
-- that of the job or batch, of an order `order:` and its number.
ALTER TABLE jobs ADD COLUMN workflow_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL;
ALTER TABLE orders ADD COLUMN workflow_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL;
ALTER TABLE batches ADD COLUMN workflow_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL;
