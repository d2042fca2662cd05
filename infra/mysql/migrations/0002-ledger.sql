-- The ledger. Money is an integer of nano-units (1e-9 of the currency). Written by the money lane only.
CREATE TABLE accounts (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  owner_kind VARCHAR(4) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  owner_id INT UNSIGNED NOT NULL,
  available BIGINT NOT NULL DEFAULT 0,
  debt BIGINT NOT NULL DEFAULT 0,
  -- The opening grant that is still to be credited; NULL once it has its transfer.
  pending_grant BIGINT NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  UNIQUE KEY uq_accounts_owner (owner_kind, owner_id),
  KEY ix_accounts_pending_grant (pending_grant),
  CHECK (owner_kind IN ('user', 'org')),
  CHECK (available >= 0),
  CHECK (debt >= 0),
  CHECK (pending_grant IS NULL OR pending_grant >= 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- Spent and held money of access keys that have a budget, for the running period.
CREATE TABLE key_budgets (
  access_key_id INT UNSIGNED NOT NULL PRIMARY KEY,
  period_start DATE NOT NULL,
  used BIGINT NOT NULL DEFAULT 0,
  CHECK (used >= 0)
) ENGINE=InnoDB;

CREATE TABLE holds (
  -- id of the call or job
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  account_id INT UNSIGNED NOT NULL,
  access_key_id INT UNSIGNED NULL,
  owner VARCHAR(4) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- ids of the price versions of the candidates, comma-separated
  prices VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  budget_period DATE NULL,
  amount BIGINT NOT NULL,
  captured BIGINT NOT NULL DEFAULT 0,
  released BIGINT NOT NULL DEFAULT 0,
  state VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- The writer that took it; when its epoch has passed, the call behind it is dead.
  slot SMALLINT UNSIGNED NOT NULL,
  epoch INT UNSIGNED NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  closed_at DATETIME(3) NULL,
  KEY ix_holds_state_account (state, account_id),
  KEY ix_holds_state_expiry (state, owner, expires_at),
  KEY ix_holds_state_writer (state, owner, slot, epoch),
  CHECK (owner IN ('call', 'job')),
  CHECK (state IN ('open', 'captured', 'released')),
  CHECK (amount >= 0 AND captured >= 0 AND released >= 0),
  CHECK (captured + released <= amount),
  CHECK (state = 'open' OR captured + released = amount)
) ENGINE=InnoDB;

-- Append-only. `amount` is signed as the account sees it. Kinds: grant, top_up, charge, overrun, refund, adjustment,
-- chargeback; `loss` is a memo of what the platform bears and belongs to no balance.
CREATE TABLE transfers (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id INT UNSIGNED NOT NULL,
  amount BIGINT NOT NULL,
  hold_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  access_key_id INT UNSIGNED NULL,
  model_id INT UNSIGNED NULL,
  price_id INT UNSIGNED NULL,
  prompt_tokens INT UNSIGNED NOT NULL DEFAULT 0,
  cached_tokens INT UNSIGNED NOT NULL DEFAULT 0,
  completion_tokens INT UNSIGNED NOT NULL DEFAULT 0,
  image_count INT UNSIGNED NOT NULL DEFAULT 0,
  -- 1 = tokens were counted by us because the provider's usage never came
  estimated TINYINT UNSIGNED NOT NULL DEFAULT 0,
  day DATE NOT NULL,
  note VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id, kind),
  KEY ix_transfers_account (account_id, id),
  KEY ix_transfers_account_time (account_id, created_at),
  CHECK (kind IN ('grant', 'top_up', 'charge', 'overrun', 'refund', 'adjustment', 'chargeback', 'loss'))
) ENGINE=InnoDB;

-- One row a running process that moves money. `seq` counts its batches; `epoch` fences a process that was frozen.
CREATE TABLE writers (
  slot SMALLINT UNSIGNED NOT NULL PRIMARY KEY,
  epoch INT UNSIGNED NOT NULL,
  seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
  expires_at DATETIME(3) NOT NULL,
  process VARCHAR(100) NOT NULL DEFAULT ''
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- Usage documents on their way to MongoDB, in commit order within a slot. Dropped by day once carried over.
CREATE TABLE usage_outbox (
  slot SMALLINT UNSIGNED NOT NULL,
  seq BIGINT UNSIGNED NOT NULL,
  position SMALLINT UNSIGNED NOT NULL,
  day DATE NOT NULL,
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  doc MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (slot, seq, position, day)
) ENGINE=InnoDB
PARTITION BY RANGE COLUMNS (day) (PARTITION p_first VALUES LESS THAN ('2026-01-01'), PARTITION p_rest VALUES LESS THAN (MAXVALUE));

-- How far each slot's outbox has been carried to MongoDB.
CREATE TABLE usage_watermarks (
  slot SMALLINT UNSIGNED NOT NULL PRIMARY KEY,
  seq BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB;

-- Summed on read; a row a slot, so that processes do not wait for each other.
CREATE TABLE stats (
  day DATE NOT NULL,
  model_id INT UNSIGNED NOT NULL,
  slot SMALLINT UNSIGNED NOT NULL,
  requests BIGINT NOT NULL DEFAULT 0,
  successes BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0,
  prompt_tokens BIGINT NOT NULL DEFAULT 0,
  completion_tokens BIGINT NOT NULL DEFAULT 0,
  images BIGINT NOT NULL DEFAULT 0,
  cost BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (day, model_id, slot)
) ENGINE=InnoDB;

-- Answers of keyed requests, kept 24 h.
CREATE TABLE idempotency (
  -- `u<user id>` or `k<access key id>`
  scope VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  key_hash BINARY(32) NOT NULL,
  body_hash BINARY(32) NOT NULL,
  request_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  slot SMALLINT UNSIGNED NOT NULL,
  epoch INT UNSIGNED NOT NULL,
  answer_status SMALLINT UNSIGNED NULL,
  answer MEDIUMBLOB NULL,
  expires_at DATETIME(3) NOT NULL,
  PRIMARY KEY (scope, key_hash),
  KEY ix_idempotency_expiry (expires_at)
) ENGINE=InnoDB;

CREATE TABLE reconciliations (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  started_at DATETIME(3) NOT NULL,
  finished_at DATETIME(3) NOT NULL,
  breaches INT UNSIGNED NOT NULL,
  report JSON NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
