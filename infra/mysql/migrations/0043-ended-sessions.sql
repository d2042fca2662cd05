-- Login tokens that were ended by signing out, until they expire; only a hash is stored.
CREATE TABLE ended_sessions (
  user_id INT UNSIGNED NOT NULL,
  token_hash BINARY(32) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  PRIMARY KEY (user_id, token_hash),
  CONSTRAINT fk_ended_sessions_user FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE=InnoDB;
