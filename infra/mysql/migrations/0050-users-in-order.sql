-- MariaDB sorts all users rather than read a unique key in the order of it and the id.
ALTER TABLE users
  ADD KEY ix_users_username_id (username, id),
  ADD KEY ix_users_email_id (email, id);
