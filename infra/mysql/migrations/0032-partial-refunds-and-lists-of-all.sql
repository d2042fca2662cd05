-- Which order a refund of a part belongs to. The refund of what is left of an order has the order's number as its id.
CREATE TABLE partial_refunds (
  transfer_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  order_no VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id INT UNSIGNED NOT NULL,
  amount BIGINT NOT NULL,
  created_at DATETIME(3) NOT NULL,
  KEY ix_partial_refunds_order (order_no),
  CHECK (amount > 0)
) ENGINE=InnoDB;

-- Jobs and deliveries of all users, newest first, by status or model.
ALTER TABLE jobs
  ADD KEY ix_jobs_status_id (status, id),
  ADD KEY ix_jobs_model (model_name, id);
ALTER TABLE webhook_deliveries ADD KEY ix_webhook_deliveries_status_id (status, id);

-- The audit log by trace and by day.
ALTER TABLE audit_log
  ADD KEY ix_audit_trace (trace_id, id),
  ADD KEY ix_audit_time (created_at);
