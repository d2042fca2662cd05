/** DashScope's codes, native and compatible, which may stand in either envelope (PROVIDERS.md, 1.7). */
import type { JsonObject } from '../../../infra/json-object.ts';
import { classifier, refused, type UpstreamFailure } from '../failure.ts';
import { refusalOf } from '../openai/error-body.ts';

const NOT_SERVED = /model not exist|url error/i;
const FREE_QUOTA = /free allocated quota/i;

export const classifyDashScope = classifier([
  // Media that could not be fetched for the inspection, not media that was refused.
  { code: /^invalidparameterdatainspection$/, failure: 'bad-request' },
  { code: /^(datainspectionfailed|ipinfringementsuspect)/, failure: 'content' },
  { code: /^invalidparameter/, message: NOT_SERVED, failure: 'model' },
  { code: /^(invalidparameter|badrequest|invalidurl|invalidimage|unsupportedoperation)/, failure: 'bad-request' },
  { code: /^(arrearage|invalidapikey)$/, failure: 'account' },
  { code: /^(accessdeniedunpurchased|workspaceaccessdenied|allocationquotafreetieronly)$/, failure: 'account' },
  { code: /^(commoditynotpurchased|prepaidbilloverdue|postpaidbilloverdue)$/, failure: 'account' },
  // A call that the model does not know, or a model that the key's unitOfWork does not have: the key serves others.
  { code: /^(accessdenied|modelaccessdenied)$/, failure: 'model' },
  { code: /^(modelnotfound|modelnotsupported|workspacenotfound|notfound)$/, failure: 'model' },
  // One code for tokens a minute, which come back, and for the free quota, which does not.
  { code: /^(throttlingallocationquota|insufficientquota)$/, message: FREE_QUOTA, failure: 'account' },
  { code: /^(throttling|limitrequests|limitburstrate|insufficientquota)/, failure: 'rate' },
  { code: /^(internalerror|systemerror|modelservicefailed|rewritefailed|requesttimeout)/, failure: 'transient' },
  { code: /^(modelservingerror|modelunavailable)$/, failure: 'transient' },
]);

/** An error inside an answer with a good status. */
export function refusedInside(body: JsonObject, apiKey: string): UpstreamFailure {
  return refused(refusalOf(200, body), classifyDashScope, apiKey);
}
