-- How a user's name looks, made by core/accounts/username.ts: two users must not look the same. NULL for users of
-- before that look like an earlier one: they keep their names.
ALTER TABLE users ADD COLUMN name_shape VARCHAR(50) NULL AFTER username;

UPDATE users SET updated_at = updated_at, name_shape = REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
  LOWER(username), '0', 'o'), '1', 'l'), 'i', 'l'), '|', 'l'), 'rn', 'm'), 'vv', 'w');

UPDATE users u JOIN (SELECT name_shape, MIN(id) AS first_id FROM users GROUP BY name_shape) s
  ON s.name_shape = u.name_shape AND s.first_id <> u.id
  SET u.updated_at = u.updated_at, u.name_shape = NULL;

ALTER TABLE users ADD UNIQUE KEY uq_users_name_shape (name_shape);
