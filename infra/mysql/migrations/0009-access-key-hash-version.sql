-- The version of KEY_ENCRYPTION_KEY that the pepper of key_hash follows from. A hash cannot be made again without the
-- key's text, so a version may leave the list only when no row names it any more.
ALTER TABLE access_keys ADD COLUMN hash_version SMALLINT UNSIGNED NOT NULL DEFAULT 1 AFTER key_hash;
