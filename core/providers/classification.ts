/** A vendor's codes to the gateway's classes: by code first, because statuses mislead (PROVIDERS.md, 1.7 and 3.3). Pure. */
import type { FailureClass } from './failure.ts';
import type { Classify } from './refusal.ts';

export interface Rule {
  /** Tried on the code in lower case without `.`, `_` and `-`, and then on OpenAI's `type` in the same spelling. */
  readonly code: RegExp;
  /** The rule holds only for such a message; for codes that mean two things. */
  readonly message?: RegExp;
  readonly failure: FailureClass;
}

/** What a refusal of the key itself, or of whom it belongs to, names. */
const NAMES_ACCOUNT =
  /(?<![a-z])(api)?key(?![a-z])|account|credential|unauthori[sz]ed|authenticat|billing|balance|credits?\b|subscription|organi[sz]ation|overdue|arrear/i;

/** The first rule that fits decides; without one, the status. */
export function classifier(rules: readonly Rule[]): Classify {
  return ({ code, type, status, message }) => {
    for (const name of [code, type]) {
      if (name === undefined) continue;
      const spelling = name.toLowerCase().replace(/[._-]/g, '');
      const rule = rules.find((one) => one.code.test(spelling) && (one.message?.test(message) ?? true));
      if (rule) return rule.failure;
    }
    // Also said of a request that its filters do not like: one caller's request must not take a key from all others.
    if (status === 403 && !NAMES_ACCOUNT.test([code, type, message].join(' '))) return 'transient';
    return classOfStatus(status);
  };
}

function classOfStatus(status: number): FailureClass {
  switch (status) {
    case 401:
    case 402:
    case 403:
      return 'account';
    case 404:
    case 405:
      return 'model';
    case 408:
    case 504:
      return 'timeout';
    case 409:
    case 424:
    case 425:
      return 'transient';
    case 429:
      return 'rate';
    default:
      if (status >= 400 && status < 500) return 'bad-request';
      // A redirect is never followed: the base URL is not the provider's own.
      return status >= 300 && status < 400 ? 'model' : 'transient';
  }
}
