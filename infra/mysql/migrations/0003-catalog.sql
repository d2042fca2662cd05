-- Providers, their keys, models and the history of their prices.
CREATE TABLE providers (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  kind VARCHAR(10) NOT NULL,
  url_base VARCHAR(500) NOT NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  UNIQUE KEY uq_providers_name (name),
  CHECK (kind IN ('openai', 'dashscope', 'ark'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE provider_keys (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  provider_id INT UNSIGNED NOT NULL,
  name VARCHAR(100) NOT NULL DEFAULT '',
  -- AES-256-GCM: version (2 bytes), nonce (12), tag (16), ciphertext; associated data = provider and row id
  secret VARBINARY(1000) NOT NULL,
  last_four VARCHAR(4) NOT NULL,
  status TINYINT UNSIGNED NOT NULL DEFAULT 1,
  weight SMALLINT UNSIGNED NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  KEY ix_provider_keys_provider (provider_id, id),
  CONSTRAINT fk_provider_keys_provider FOREIGN KEY (provider_id) REFERENCES providers (id) ON DELETE CASCADE,
  CHECK (weight >= 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE models (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  display_name VARCHAR(100) NOT NULL,
  model_identifier VARCHAR(150) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  provider_id INT UNSIGNED NOT NULL,
  -- The name the provider knows; empty: the identifier.
  upstream_model VARCHAR(150) NOT NULL DEFAULT '',
  -- comma-separated: text-to-text, image-to-text, text-to-image, image-to-image
  capabilities VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  priority INT UNSIGNED NOT NULL DEFAULT 1,
  status TINYINT UNSIGNED NOT NULL DEFAULT 1,
  -- The newest row of model_prices; NULL while the model has no price.
  price_id INT UNSIGNED NULL,
  context_window INT UNSIGNED NULL,
  max_output_tokens INT UNSIGNED NULL,
  default_max_tokens INT UNSIGNED NULL,
  -- Priced ordinary fields that may pass to the provider, bounds for images in and the like.
  settings JSON NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  UNIQUE KEY uq_models_identifier (model_identifier),
  KEY ix_models_provider (provider_id),
  CONSTRAINT fk_models_provider FOREIGN KEY (provider_id) REFERENCES providers (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- Append-only. Token prices in nano-units per million tokens, the others in nano-units.
CREATE TABLE model_prices (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  model_id INT UNSIGNED NOT NULL,
  version INT UNSIGNED NOT NULL,
  input BIGINT NOT NULL DEFAULT 0,
  output BIGINT NOT NULL DEFAULT 0,
  cached_input BIGINT NULL,
  cache_write BIGINT NULL,
  per_image BIGINT NOT NULL DEFAULT 0,
  per_request BIGINT NOT NULL DEFAULT 0,
  created_by INT UNSIGNED NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  UNIQUE KEY uq_model_prices_version (model_id, version),
  CONSTRAINT fk_model_prices_model FOREIGN KEY (model_id) REFERENCES models (id) ON DELETE CASCADE,
  CHECK (input >= 0 AND output >= 0 AND per_image >= 0 AND per_request >= 0),
  CHECK (cached_input IS NULL OR cached_input >= 0),
  CHECK (cache_write IS NULL OR cache_write >= 0)
) ENGINE=InnoDB;
