import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FailureClass } from '../failure.ts';
import { refusalOf } from '../openai/errors.ts';
import { classifyArk } from './index.ts';

type Row = readonly [status: number, codes: readonly string[], failure: FailureClass, message?: string];

/** Ark's error table (docs/providers.md), row by row. */
const ROWS: readonly Row[] = [
  [400, ['MissingParameter', 'MissingParameter.X', 'InvalidParameter', 'InvalidParameter.X'], 'bad-request'],
  [400, ['InvalidParameter.UnsupportedParameter', 'InvalidArgumentError.X', 'OutofContextError'], 'bad-request'],
  [400, ['InvalidImageURL.EmptyURL', 'InvalidImageURL.InvalidFormat'], 'bad-request'],
  [400, ['InvalidEndpoint.ClosedEndpoint'], 'model'],
  [400, ['SensitiveContentDetected', 'SensitiveContentDetected.SevereViolation'], 'content'],
  [400, ['SensitiveContentDetected.Violence', 'InputTextSensitiveContentDetected'], 'content'],
  [400, ['InputImageSensitiveContentDetected', 'OutputTextSensitiveContentDetected'], 'content'],
  [400, ['OutputImageSensitiveContentDetected', 'OutputImageSensitiveContentDetected.PolicyViolation'], 'content'],
  [400, ['InputImageSensitiveContentDetected.PrivacyInformation', 'InputTextRiskDetection'], 'content'],
  [400, ['OutputImageRiskDetection', 'InputImageSensitiveContentDetected.DeepFake'], 'content'],
  [400, ['InvalidSubscription'], 'account'],
  [401, ['AuthenticationError', 'InvalidAccountStatus'], 'account'],
  [403, ['AccountOverdueError', 'OperationDenied.ServiceOverdue', 'OperationDenied.ServiceNotOpen'], 'account'],
  [403, ['OperationDenied.Other', 'AccessDenied'], 'account'],
  [404, ['InvalidEndpointOrModel.NotFound', 'InvalidEndpointOrModel.ModelIDAccessDisabled'], 'model'],
  [404, ['UnsupportedModel', 'PathNotFound'], 'model'],
  [404, ['ModelNotOpen'], 'account'],
  [429, ['RateLimitExceeded.EndpointRPMExceeded', 'RateLimitExceeded.EndpointTPMExceeded'], 'rate'],
  [429, ['ModelAccountRpmRateLimitExceeded', 'ModelAccountTpmRateLimitExceeded'], 'rate'],
  [429, ['ModelAccountIpmRateLimitExceeded', 'APIAccountRpmRateLimitExceeded', 'AccountRateLimitExceeded'], 'rate'],
  [429, ['InflightBatchsizeExceeded', 'ServerOverloaded', 'RequestBurstTooFast'], 'rate'],
  [429, ['SetLimitExceeded'], 'account'],
  [429, ['QuotaExceeded'], 'account', 'The free trial quota is used up.'],
  [429, ['QuotaExceeded'], 'rate', 'There are too many queued tasks.'],
  [500, ['InternalServiceError'], 'transient'],
];

for (const [status, codes, failure, message = 'The request failed. Request id: 021-ab'] of ROWS) {
  for (const code of codes) {
    test(`${status} ${code} ${message} is ${failure}`, () => {
      const refusal = refusalOf(status, { error: { code, message, param: '', type: '' } });
      assert.equal(classifyArk(refusal), failure);
      assert.equal(classifyArk({ ...refusal, status: 200 }), failure);
      assert.equal(refusal.code, code);
      assert.equal(refusal.type, undefined);
    });
  }
}

test('the request id is taken out of the message', () => {
  const message = 'The request failed. Request id: 0217-ab12';
  assert.equal(refusalOf(400, { error: { code: 'InvalidParameter', message } }).requestId, '0217-ab12');
});
