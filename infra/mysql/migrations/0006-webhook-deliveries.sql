-- How often a delivery was asked for again, and the search for addresses that answered "gone".
ALTER TABLE webhook_deliveries
  ADD COLUMN redeliveries SMALLINT UNSIGNED NOT NULL DEFAULT 0 AFTER attempts,
  ADD KEY ix_webhook_deliveries_user_status (user_id, status);
