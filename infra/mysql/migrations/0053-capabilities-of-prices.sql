-- What a model could do when a price was set, which says whether `output` is of a token or of an image. NULL: not known.
ALTER TABLE model_prices ADD COLUMN capabilities VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL;
UPDATE model_prices p JOIN models m ON m.id=p.model_id SET p.capabilities=m.capabilities;
