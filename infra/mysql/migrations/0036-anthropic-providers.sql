-- A kind of provider that speaks Anthropic's Messages interface. Each server has named the check of the kinds itself.
ALTER TABLE providers
  /*!80019 DROP CONSTRAINT providers_chk_1, */ /*M!100211 DROP CONSTRAINT CONSTRAINT_1, */
  ADD CONSTRAINT providers_kinds CHECK (kind IN ('openai', 'dashscope', 'ark', 'anthropic'));
