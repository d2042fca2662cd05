-- What an event was about and what it named, also of one that was refused. NULL: not named, or received before this was kept.
ALTER TABLE payment_events
  ADD COLUMN kind VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN amount BIGINT NULL,
  ADD COLUMN currency VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL;
