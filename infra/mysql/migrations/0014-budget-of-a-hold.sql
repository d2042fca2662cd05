-- What the key's budget allowed in the period that the hold was taken in: bounds what is charged beyond the hold, too.
ALTER TABLE holds ADD COLUMN budget_limit BIGINT NULL AFTER budget_period;
