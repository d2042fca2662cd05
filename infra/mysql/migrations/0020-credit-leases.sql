-- Money that a process has leased is a hold, too, with the owner "lease". The check of the column's values goes, because
-- replacing it copies the table; it is the first of the table, which the two servers name differently.
ALTER TABLE holds
  MODIFY owner VARCHAR(5) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  DROP CONSTRAINT /*M!100000 IF EXISTS */ holds_chk_1 /*M!100000 , DROP CONSTRAINT IF EXISTS CONSTRAINT_1 */;
