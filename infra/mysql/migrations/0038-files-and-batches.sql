-- Files of users, in pieces that fit into a packet.
CREATE TABLE files (
  id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  user_id INT UNSIGNED NOT NULL,
  purpose VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  filename VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  bytes BIGINT NOT NULL,
  created_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  KEY ix_files_user (user_id, created_at),
  KEY ix_files_expiry (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE file_chunks (
  file_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seq INT UNSIGNED NOT NULL,
  data MEDIUMBLOB NOT NULL,
  PRIMARY KEY (file_id, seq)
) ENGINE=InnoDB;

-- Many requests in one file. The row is the truth; its workflow may run any step again.
CREATE TABLE batches (
  id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  -- Its hold in the ledger.
  hold_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id INT UNSIGNED NOT NULL,
  account_id INT UNSIGNED NOT NULL,
  access_key_id INT UNSIGNED NOT NULL,
  endpoint VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  input_file_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  metadata JSON NULL,
  -- [{code, line, message, param}] of an input file that cannot be run.
  errors JSON NULL,
  line_count INT UNSIGNED NOT NULL DEFAULT 0,
  trace_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  output_file_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  error_file_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  created_at DATETIME(3) NOT NULL,
  in_progress_at DATETIME(3) NULL,
  finalizing_at DATETIME(3) NULL,
  cancelling_at DATETIME(3) NULL,
  ended_at DATETIME(3) NULL,
  expires_at DATETIME(3) NOT NULL,
  KEY ix_batches_user (user_id, created_at),
  KEY ix_batches_hold (hold_id),
  CHECK (status IN ('validating', 'failed', 'in_progress', 'finalizing', 'completed', 'expired', 'cancelling', 'cancelled'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE batch_lines (
  batch_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  line INT UNSIGNED NOT NULL,
  custom_id VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- Its part of the batch's hold, in nano-units.
  share BIGINT NOT NULL,
  request MEDIUMBLOB NOT NULL,
  -- NULL: not run yet; 1: answered, 0: an error.
  succeeded TINYINT UNSIGNED NULL,
  -- The line of the output or error file.
  result MEDIUMBLOB NULL,
  PRIMARY KEY (batch_id, line),
  KEY ix_batch_lines_state (batch_id, succeeded)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
