-- What a keyed request does carries this id, which stays when the claim of a process that died is taken over: the second
-- run finds what the first one has made.
ALTER TABLE idempotency
  ADD COLUMN operation_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' AFTER request_id;

-- The operation that made the key.
ALTER TABLE access_keys
  ADD COLUMN operation_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL AFTER last_four,
  ADD UNIQUE KEY uq_access_keys_operation (operation_id);
