/** Codes of OpenAI and of those who copied its interface without naming their own (PROVIDERS.md, 4.3). */
import { classifier } from '../classification.ts';

export const classifyOpenAi = classifier([
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
