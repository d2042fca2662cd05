-- Prices by the character and by the second of speech, and what was charged by them. Nano-units per million.
ALTER TABLE model_prices
  ADD COLUMN per_character BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN per_second BIGINT NOT NULL DEFAULT 0;

ALTER TABLE transfers
  ADD COLUMN characters INT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN audio_seconds INT UNSIGNED NOT NULL DEFAULT 0;

-- The names of all capabilities.
ALTER TABLE models MODIFY COLUMN capabilities VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL;
