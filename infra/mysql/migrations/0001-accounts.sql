-- People, their access keys and what administrators did. Ids of people and keys are small integers: the earlier
-- service's clients expect numbers.
CREATE TABLE users (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  username VARCHAR(50) NOT NULL,
  email VARCHAR(254) NULL,
  password_hash VARCHAR(255) NOT NULL,
  role VARCHAR(20) NOT NULL,
  status TINYINT UNSIGNED NOT NULL DEFAULT 1,
  -- Bumped by change-password and disabling; a token with another version is refused.
  token_version INT UNSIGNED NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  UNIQUE KEY uq_users_username (username),
  UNIQUE KEY uq_users_email (email),
  KEY ix_users_role (role),
  CHECK (role IN ('ROLE_USER', 'ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE access_keys (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id INT UNSIGNED NOT NULL,
  name VARCHAR(100) NOT NULL DEFAULT '',
  -- The part of the key it is found by; the rest is only kept as a keyed hash.
  public_part CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  key_hash BINARY(32) NOT NULL,
  last_four CHAR(4) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  is_active TINYINT UNSIGNED NOT NULL DEFAULT 1,
  expires_at DATETIME(3) NULL,
  allowed_models JSON NULL,
  rpm_limit INT UNSIGNED NULL,
  tpm_limit INT UNSIGNED NULL,
  parallel_limit INT UNSIGNED NULL,
  -- nano-units a period; NULL = no budget
  budget BIGINT NULL,
  budget_period VARCHAR(8) NULL,
  last_used_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  deleted_at DATETIME(3) NULL,
  UNIQUE KEY uq_access_keys_public_part (public_part),
  KEY ix_access_keys_user (user_id, id),
  CONSTRAINT fk_access_keys_user FOREIGN KEY (user_id) REFERENCES users (id),
  CHECK (budget IS NULL OR budget >= 0),
  CHECK (budget_period IS NULL OR budget_period IN ('day', 'month', 'total'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE audit_log (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  actor_user_id INT UNSIGNED NULL,
  actor_name VARCHAR(50) NOT NULL,
  action VARCHAR(60) NOT NULL,
  target_kind VARCHAR(30) NOT NULL,
  target_id VARCHAR(64) NOT NULL,
  before_state JSON NULL,
  after_state JSON NULL,
  trace_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  KEY ix_audit_target (target_kind, target_id, id),
  KEY ix_audit_actor (actor_user_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
