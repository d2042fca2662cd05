-- Requests and results of jobs are removed after a time, and counted to their user until then: `payload_bytes` is what
-- the job adds to its user's `bytes`, changed in one transaction with it. Jobs of before, and of processes that do not
-- know these columns, count nothing.
CREATE TABLE IF NOT EXISTS job_storage (
  user_id INT UNSIGNED NOT NULL PRIMARY KEY,
  bytes BIGINT NOT NULL
) ENGINE=InnoDB;

ALTER TABLE jobs
  ADD COLUMN payload_bytes INT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN payloads_removed_at DATETIME(3) NULL,
  -- What still has payloads, by its end: retention reads no job twice.
  ADD KEY ix_jobs_payloads (payloads_removed_at, status, finished_at);
