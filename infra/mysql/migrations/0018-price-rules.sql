-- Prices by rule, and the rule by which a charge was made. Charges of before, and of processes that do not know rules,
-- were made without one.
ALTER TABLE model_prices
  ADD COLUMN hour_cache_write BIGINT NULL,
  ADD COLUMN per_search BIGINT NOT NULL DEFAULT 0,
  -- Searches that a hold covers.
  ADD COLUMN most_searches SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  -- [{name, when, rates}]; rates as text, exact. The first rule whose condition holds applies.
  ADD COLUMN rules JSON NULL;

ALTER TABLE transfers ADD COLUMN price_rule VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL;
