-- How long the files that a batch writes are kept, where its owner has said it.
ALTER TABLE batches ADD COLUMN output_kept_seconds INT UNSIGNED NULL;
