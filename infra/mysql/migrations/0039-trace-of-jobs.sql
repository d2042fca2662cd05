-- What happened in a trace is looked up by its id.
ALTER TABLE jobs
  ADD COLUMN trace_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD KEY ix_jobs_trace (trace_id, id);
UPDATE jobs SET trace_id=LEFT(JSON_UNQUOTE(JSON_EXTRACT(plan,'$.traceId')),64);
