-- What a trace did, by its batches, too.
ALTER TABLE batches ADD KEY ix_batches_trace (trace_id);
