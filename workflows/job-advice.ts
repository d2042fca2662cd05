/** What an operator should do about a failed job, by the code in its row. Fixed texts: nothing of a caller or provider. */

const ADVICE: Readonly<Record<number, string>> = {
  400001: 'the provider refused the request; its caller must change it',
  504: 'the provider did not answer in time; look at its status and at UPSTREAM_TOTAL_TIMEOUT',
  600002: 'none of the models it was held for is online; switch one on or see why it was switched off',
  600003: 'the model cannot do what was asked; see its capabilities',
  600004: 'it was stopped or did not end before its deadline; see whether workers run and what they log',
  700001: "the provider's address was refused or not reached; see its urlBase",
  700003: 'its provider calls failed; see the circuits of the keys (GET /v1/providers/{id}/keys) and the provider',
  700004: 'the provider answered with an error of its own; see its status',
  900001: 'the database was away; it is safe to submit the job again',
};

export function adviceFor(errorCode: number | null): string {
  return (errorCode === null ? undefined : ADVICE[errorCode]) ?? 'its row has the message that its owner was given';
}
