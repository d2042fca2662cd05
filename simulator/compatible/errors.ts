/** The forms in which vendors of OpenAI's interface write an error. Pure. */
import { randomUUID } from 'node:crypto';
import type { ErrorKind } from '../faults/fault.ts';
import { OPENAI } from '../openai/errors.ts';
import { type Vendor, VendorError } from '../vendor.ts';
import type { CompatibleVendor, ErrorForm } from './vendors.ts';

/** Numbers that vendors give instead of words. */
const NUMBERS: Readonly<Partial<Record<ErrorForm, Readonly<Partial<Record<ErrorKind, string>>>>>> = {
  numbered: {
    bad_request: '1210',
    invalid_key: '1000',
    model_not_found: '1211',
    overdue: '1113',
    rate_limited: '1302',
  },
  flat: { bad_request: '20015', model_not_found: '20012', overdue: '30001' },
};

export function compatibleErrors({ name, errors: form }: CompatibleVendor): Vendor {
  return {
    name,
    sendsRetryAfter: false,
    newRequestId: randomUUID,
    headers: (requestId) => ({ 'x-request-id': requestId }),
    error: (kind, message, param) => {
      const error = OPENAI.error(kind, message, param);
      const { status, type } = error;
      // Google answers 400 to a key that it does not know.
      const known = form === 'google' && kind === 'invalid_key' ? 400 : status;
      const text = known === status ? error.message : 'API key not valid. Please pass a valid API key.';
      const code = NUMBERS[form]?.[kind] ?? error.code;
      return new VendorError({ status: known, code, type, param: error.param, message: text });
    },
    errorBody: (error, requestId) => bodyOf(form, error, requestId),
  };
}

function bodyOf(form: ErrorForm, { status, code, type, param, message }: VendorError, requestId: string): unknown {
  switch (form) {
    case 'openai':
      return { error: { message, type, param, code } };
    case 'numbered':
      return { error: { code, message } };
    case 'minimax':
      return { type: 'error', error: { type, message, http_code: String(status) }, request_id: requestId };
    case 'flat':
      return { code: Number(code) || status, message, data: null };
    case 'xai':
      return { code: type, error: message };
    case 'google':
      return [{ error: { code: status, message, status: status === 429 ? 'RESOURCE_EXHAUSTED' : 'INVALID_ARGUMENT' } }];
    case 'vllm':
      return { error: { message, type: 'BadRequestError', param, code: status } };
  }
}
