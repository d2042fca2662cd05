-- Filters of lists that no index served: each is found in the order of its ids.
ALTER TABLE audit_log
  ADD KEY ix_audit_kind (target_kind, id),
  ADD KEY ix_audit_target_id (target_id, id);
ALTER TABLE jobs ADD KEY ix_jobs_type (type, id);
