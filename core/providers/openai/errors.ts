/** Codes of OpenAI and of those who copied its interface without naming their own (PROVIDERS.md, 4.3). */
import { type Classify, classifier } from '../failure.ts';

/** OpenRouter and its like answer 403 with no code but the status. */
const FLAGGED = /requires moderation|\b(input|prompt|content|request|message)s?\b.{0,40}\bflagged\b|content policy/i;
/** More than the account's whole limit for a minute; OpenAI says it with the code of a rate limit, waiting does not help. */
const TOO_LARGE = /^request too large\b/i;

export const classifyOpenAi: Classify = (refusal) => {
  const { status, message } = refusal;
  if ((status === 400 || status === 403) && FLAGGED.test(message)) return 'content';
  if ((status === 413 || status === 429) && TOO_LARGE.test(message)) return 'bad-request';
  return byCode(refusal);
};

const byCode = classifier([
  {
    code: /^(contentpolicyviolation|contentfilter|moderationblocked|responsibleaipolicyviolation)$/,
    failure: 'content',
  },
  // An empty account is told with 429: waiting does not help.
  { code: /^(insufficientquota|billinghardlimitreached|billingnotactive)$/, failure: 'account' },
  { code: /^(invalidapikey|accountdeactivated|accessterminated|invalidorganization)$/, failure: 'account' },
  { code: /^(modelnotfound|modelnotsupported|deploymentnotfound)$/, failure: 'model' },
  { code: /^(contextlengthexceeded|stringabovemaxlength)$/, failure: 'bad-request' },
  { code: /^(ratelimitexceeded|ratelimiterror)$/, failure: 'rate' },
  { code: /^(servererror|internalerror|internalservererror|overloadederror|engineoverloaded)$/, failure: 'transient' },
]);
