-- What the results of a batch have together, in bytes.
ALTER TABLE batches ADD COLUMN result_bytes BIGINT NOT NULL DEFAULT 0;

-- How often its provider has failed it.
ALTER TABLE batch_lines ADD COLUMN tries INT UNSIGNED NOT NULL DEFAULT 0;
