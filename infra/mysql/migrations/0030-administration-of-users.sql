-- Closed for good: the name stays taken, the row stays for the ledger.
ALTER TABLE users ADD COLUMN closed_at DATETIME(3) NULL;

-- One-time links by which a person sets a new password; only a hash of the token is stored. One a user: the newest.
CREATE TABLE password_resets (
  user_id INT UNSIGNED NOT NULL PRIMARY KEY,
  token_hash BINARY(32) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  UNIQUE KEY uq_password_resets_token (token_hash),
  CONSTRAINT fk_password_resets_user FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE=InnoDB;
