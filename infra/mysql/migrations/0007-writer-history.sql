-- How far the slot's last epochs came, newest first, as `epoch:seq` with spaces between. A process that lost its slot
-- with a COMMIT under way finds here whether that batch was its last one.
ALTER TABLE writers
  ADD COLUMN history VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';
