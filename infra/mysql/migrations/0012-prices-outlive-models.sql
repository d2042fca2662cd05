-- Holds, charges and statements name price versions for good: deleting a model must not take its prices along. The ids
-- of deleted models are never given again.
ALTER TABLE model_prices DROP FOREIGN KEY fk_model_prices_model;
