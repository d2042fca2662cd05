-- What administrators list is found and ordered by an index, however many rows there are.
ALTER TABLE audit_log ADD KEY ix_audit_action (action, id);
ALTER TABLE orders
  ADD KEY ix_orders_created (created_at),
  ADD KEY ix_orders_amount (amount);
ALTER TABLE users ADD KEY ix_users_created (created_at);
