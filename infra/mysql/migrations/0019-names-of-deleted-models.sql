-- Statements and statistics name models for good. What was deleted before is named by the audit log, which keeps each
-- model as it was.
CREATE TABLE deleted_models (
  id INT UNSIGNED NOT NULL PRIMARY KEY,
  model_identifier VARCHAR(150) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

INSERT IGNORE INTO deleted_models (id, model_identifier)
  SELECT CAST(target_id AS UNSIGNED), JSON_UNQUOTE(JSON_EXTRACT(before_state, '$.modelIdentifier'))
    FROM audit_log
   WHERE target_kind = 'model' AND action = 'models.delete'
     AND JSON_EXTRACT(before_state, '$.modelIdentifier') IS NOT NULL;
