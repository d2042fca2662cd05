-- Deliveries that are on their way, for /metrics, and those past their time, for retention.
ALTER TABLE webhook_deliveries ADD KEY ix_webhook_deliveries_status (status, updated_at);
