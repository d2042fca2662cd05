-- Speech and transcripts as jobs. Each server has named the check of the types itself.
ALTER TABLE jobs
  /*!80019 DROP CONSTRAINT jobs_chk_1, */ /*M!100211 DROP CONSTRAINT CONSTRAINT_1, */
  ADD CONSTRAINT jobs_types CHECK (type IN ('chat', 'image', 'speech', 'transcript'));
