-- Work that outlives a request: recharge orders, jobs, and the outbox from which Temporal workflows are started.
CREATE TABLE orders (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_no VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id INT UNSIGNED NOT NULL,
  account_id INT UNSIGNED NOT NULL,
  amount BIGINT NOT NULL,
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(9) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason VARCHAR(255) NULL,
  paid_at DATETIME(3) NULL,
  paid_late TINYINT UNSIGNED NOT NULL DEFAULT 0,
  refunded BIGINT NULL,
  refunded_at DATETIME(3) NULL,
  expires_at DATETIME(3) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  UNIQUE KEY uq_orders_no (order_no),
  KEY ix_orders_user (user_id, id),
  KEY ix_orders_status (status, id),
  KEY ix_orders_status_expiry (status, expires_at),
  CHECK (status IN ('PENDING', 'COMPLETED', 'FAILED')),
  CHECK (amount > 0),
  CHECK (refunded IS NULL OR (refunded >= 0 AND refunded <= amount))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- Every callback of a payment provider, also those that were refused.
CREATE TABLE payment_events (
  provider VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  order_no VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  body_hash BINARY(32) NOT NULL,
  outcome VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  received_at DATETIME(3) NOT NULL,
  PRIMARY KEY (provider, event_id),
  KEY ix_payment_events_order (order_no)
) ENGINE=InnoDB;

CREATE TABLE jobs (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  type VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id INT UNSIGNED NOT NULL,
  account_id INT UNSIGNED NOT NULL,
  access_key_id INT UNSIGNED NULL,
  model_id INT UNSIGNED NULL,
  model_name VARCHAR(150) NOT NULL DEFAULT '',
  status VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  request MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- What was decided at submission: price versions, the token limit, the key whose budget is held.
  plan JSON NOT NULL,
  result MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  error_code INT UNSIGNED NULL,
  error_message VARCHAR(2000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  cost BIGINT NULL,
  progress TINYINT UNSIGNED NOT NULL DEFAULT 0,
  priority TINYINT UNSIGNED NOT NULL DEFAULT 3,
  metadata JSON NULL,
  webhook_url VARCHAR(2000) NULL,
  -- Runs of the activity, calls of a provider, and the token of the run that may write.
  attempt INT UNSIGNED NOT NULL DEFAULT 0,
  provider_attempts TINYINT UNSIGNED NOT NULL DEFAULT 0,
  lease VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  -- Asynchronous provider tasks: `submitting` is written before the submit, the task id before the first poll.
  upstream_state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NULL,
  upstream_task_id VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NULL,
  provider_key_id INT UNSIGNED NULL,
  cancel_requested_at DATETIME(3) NULL,
  deadline_at DATETIME(3) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  started_at DATETIME(3) NULL,
  finished_at DATETIME(3) NULL,
  updated_at DATETIME(3) NOT NULL,
  KEY ix_jobs_user (user_id, id),
  KEY ix_jobs_user_status (user_id, status, id),
  KEY ix_jobs_status (status, updated_at),
  CHECK (type IN ('chat', 'image')),
  CHECK (status IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED')),
  CHECK (progress <= 100)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- Workflows still to be started; a row goes away only when Temporal has said started or already started.
CREATE TABLE workflow_outbox (
  workflow_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  workflow VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- The start request: input, title and search attributes; references only, never text of users.
  start JSON NOT NULL,
  tries INT UNSIGNED NOT NULL DEFAULT 0,
  next_try_at DATETIME(3) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  KEY ix_workflow_outbox_next (next_try_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE webhook_secrets (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id INT UNSIGNED NOT NULL,
  secret VARBINARY(1000) NOT NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  -- A rotated secret signs beside the new one until then.
  retires_at DATETIME(3) NULL,
  KEY ix_webhook_secrets_user (user_id, id)
) ENGINE=InnoDB;

CREATE TABLE webhook_deliveries (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  user_id INT UNSIGNED NOT NULL,
  job_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  url VARCHAR(2000) NOT NULL,
  status VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  attempts SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  last_status SMALLINT UNSIGNED NULL,
  last_error VARCHAR(500) NULL,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  KEY ix_webhook_deliveries_user (user_id, id),
  KEY ix_webhook_deliveries_job (job_id),
  CHECK (status IN ('PENDING', 'DELIVERED', 'FAILED', 'DISABLED'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- Pictures copied from providers, whose own links expire after a day.
CREATE TABLE stored_images (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  request_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id INT UNSIGNED NOT NULL,
  source_url TEXT NULL,
  storage_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  media_type VARCHAR(50) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bytes INT UNSIGNED NOT NULL,
  created_at DATETIME(3) NOT NULL,
  KEY ix_stored_images_request (request_id),
  KEY ix_stored_images_created (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
