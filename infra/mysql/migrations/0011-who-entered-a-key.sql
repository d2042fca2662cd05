-- Who entered a provider's key: while the provider has no address, only this person may say where the key goes. NULL:
-- the command line, or not known.
ALTER TABLE provider_keys ADD COLUMN entered_by INT UNSIGNED NULL AFTER weight;
