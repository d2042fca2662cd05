/** Ark's codes (PROVIDERS.md, 3.3). */
import { classifier } from '../failure.ts';

const QUEUE_FULL = /queue/i;

export const classifyArk = classifier([
  { code: /sensitivecontentdetected|riskdetection/, failure: 'content' },
  { code: /^(authenticationerror|invalidaccountstatus|accountoverdueerror|invalidsubscription)$/, failure: 'account' },
  { code: /^(operationdenied|accessdenied|modelnotopen|setlimitexceeded)/, failure: 'account' },
  // One code for too many waiting tasks, which pass, and for a trial that is used up.
  { code: /^quotaexceeded/, message: QUEUE_FULL, failure: 'rate' },
  { code: /^quotaexceeded/, failure: 'account' },
  { code: /^(invalidendpoint|unsupportedmodel|pathnotfound)/, failure: 'model' },
  { code: /ratelimitexceeded|^(inflightbatchsizeexceeded|serveroverloaded|requestbursttoofast)/, failure: 'rate' },
  {
    code: /^(missingparameter|invalidparameter|invalidargumenterror|invalidimageurl|outofcontext)/,
    failure: 'bad-request',
  },
  { code: /^internalserviceerror/, failure: 'transient' },
]);
