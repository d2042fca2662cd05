import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FailureClass } from '../failure.ts';
import { refusalOf } from '../openai/errors.ts';
import { failedWith, testAdapters, testContext, testTarget } from '../test-calls.ts';
import { type Capture, capture, replay } from '../test-captures.ts';
import { classifyDashScope } from './native-call.ts';

type Row = readonly [status: number, codes: readonly string[], message: string, failure: FailureClass];

/** DashScope's error table (docs/providers.md), row by row: native and compatible names of one code. */
const ROWS: readonly Row[] = [
  [400, ['InvalidParameter', 'invalid_parameter_error'], 'num_images_per_prompt must be 1', 'bad-request'],
  [400, ['InvalidParameter', 'invalid_parameter_error'], 'Model not exist.', 'model'],
  [400, ['InvalidParameter'], 'url error, please check url!', 'model'],
  [400, ['BadRequest.EmptyInput', 'BadRequest.EmptyParameters', 'BadRequest.EmptyModel'], '', 'bad-request'],
  [400, ['BadRequest.IllegalInput', 'BadRequest.InputDownloadFailed'], '', 'bad-request'],
  [400, ['DataInspectionFailed', 'data_inspection_failed'], 'Input data may contain inappropriate content.', 'content'],
  [400, ['DataInspectionFailed'], 'Output data may contain inappropriate content.', 'content'],
  [400, ['IPInfringementSuspect'], 'Input data is suspected of being involved in IP infringement.', 'content'],
  [400, ['InvalidParameter.DataInspection'], 'Unable to download the media resource.', 'bad-request'],
  [400, ['InvalidURL', 'InvalidURL.Timeout', 'InvalidURL.ConnectionRefused'], '', 'bad-request'],
  [400, ['InvalidImageFormat', 'InvalidImageResolution', 'InvalidImage.Size'], '', 'bad-request'],
  [400, ['Arrearage'], 'Access denied, please make sure your account is in good standing.', 'account'],
  [400, ['UnsupportedOperation'], 'Failed to cancel the task.', 'bad-request'],
  [401, ['InvalidApiKey', 'invalid_api_key'], 'Invalid API-key provided.', 'account'],
  [403, ['AccessDenied', 'access_denied'], 'current user api does not support asynchronous calls', 'model'],
  [403, ['AccessDenied.Unpurchased', 'Workspace.AccessDenied'], '', 'account'],
  [403, ['Model.AccessDenied'], '', 'model'],
  [403, ['AllocationQuota.FreeTierOnly'], 'The free tier of the model has been exhausted.', 'account'],
  [404, ['ModelNotFound', 'model_not_found', 'model_not_supported'], '', 'model'],
  [404, ['WorkSpaceNotFound', 'NotFound'], '', 'model'],
  [429, ['Throttling'], 'Requests throttling triggered.', 'rate'],
  [429, ['Throttling.RateQuota', 'limit_requests'], 'Requests rate limit exceeded, please try again later.', 'rate'],
  [429, ['Throttling.BurstRate', 'limit_burst_rate'], 'Request rate increased too quickly', 'rate'],
  [429, ['Throttling.AllocationQuota', 'insufficient_quota'], 'Allocated quota exceeded, please increase', 'rate'],
  [429, ['Throttling.AllocationQuota', 'insufficient_quota'], 'Free allocated quota exceeded.', 'account'],
  [429, ['CommodityNotPurchased', 'PrepaidBillOverdue', 'PostpaidBillOverdue'], '', 'account'],
  [500, ['InternalError', 'internal_error', 'InternalError.Algo', 'InternalError.Timeout'], '', 'transient'],
  [500, ['SystemError', 'ModelServiceFailed', 'RewriteFailed', 'RequestTimeOut'], '', 'transient'],
  [500, ['ModelServingError'], '', 'transient'],
  [503, ['ModelServingError', 'ModelUnavailable'], '', 'transient'],
];

for (const [status, codes, message, failure] of ROWS) {
  for (const code of codes) {
    test(`${status} ${code} ${message} is ${failure}`, () => {
      const flat = refusalOf(status, { code, message, request_id: 'r' });
      assert.equal(classifyDashScope(flat), failure);
      assert.equal(flat.requestId, 'r');
      const wrapped = refusalOf(status, { error: { code, message, type: code, param: null }, request_id: 'r' });
      assert.equal(classifyDashScope(wrapped), failure);
      assert.equal(wrapped.requestId, 'r');
      // The code decides, also where the status says nothing.
      assert.equal(classifyDashScope({ ...flat, status: 200 }), failure);
    });
  }
}

test('recorded refusals of chat', async () => {
  const complete = (recorded: Capture) => {
    const { outbound } = replay([recorded]);
    const adapter = testAdapters(outbound).chat.dashscope;
    return adapter.complete(testTarget('dashscope', 'qwen-plus'), { messages: [] }, testContext());
  };
  const expected = {
    compat_openai_sdk_arrearage: failedWith('account', /good standing/, { status: 400, code: 'Arrearage' }),
    compat_openai_sdk_thinking_nonstream_error: failedWith('bad-request', /enable_thinking must be set to false/),
    litellm_dashscope_chat_err_flat401: failedWith('account', /^Invalid API-key/, { status: 401 }),
    litellm_dashscope_chat_err_inspection: failedWith('content', /inappropriate/, { upstreamRequestId: 'r' }),
    litellm_dashscope_chat_err_tpm429: failedWith('rate', /current quota/, { code: 'insufficient_quota' }),
  };
  for (const [name, check] of Object.entries(expected)) {
    await assert.rejects(complete(capture('dashscope', name)), check, name);
  }
});
