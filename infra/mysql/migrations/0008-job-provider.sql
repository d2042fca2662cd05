-- Whose limit a job counts to while it runs: the provider that routing chose when it was submitted.
ALTER TABLE jobs ADD COLUMN provider_id INT UNSIGNED NULL AFTER model_id;
