-- Whose model a charge was for: a model may move to another provider. Charges of before have none and count to the
-- provider that the model has now.
ALTER TABLE transfers ADD COLUMN provider_id INT UNSIGNED NULL AFTER model_id;

-- What the key is for: a team, a project, a customer. Spend is summed by it.
ALTER TABLE access_keys ADD COLUMN tag VARCHAR(40) NULL AFTER name;
