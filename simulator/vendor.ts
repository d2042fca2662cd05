/** What the vendors differ in around a call: ids, headers and the form of an error. */
import type { ErrorKind } from './faults/fault.ts';
import type { KeyCheck } from './keys.ts';

export type VendorName =
  | 'openai'
  | 'dashscope'
  | 'ark'
  | 'anthropic'
  | 'deepseek'
  | 'moonshot'
  | 'zhipu'
  | 'minimax'
  | 'siliconflow'
  | 'xai'
  | 'gemini'
  | 'openrouter'
  | 'ollama'
  | 'vllm';

interface ErrorFields {
  status: number;
  code: string | null;
  type: string | null;
  param?: string | null;
  message: string;
}

/** An error a vendor answers with. Thrown by handlers, rendered by their vendor. */
export class VendorError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly type: string | null;
  readonly param: string | null;
  /** Seconds for Retry-After, where the vendor sends one. */
  readonly retryAfterSeconds: number | undefined;

  constructor(fields: ErrorFields, retryAfterSeconds?: number) {
    super(fields.message);
    this.status = fields.status;
    this.code = fields.code;
    this.type = fields.type;
    this.param = fields.param ?? null;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface Vendor {
  readonly name: VendorName;
  /** Whether a 429 comes with Retry-After (the `429` fault sends one for every vendor). */
  readonly sendsRetryAfter: boolean;
  newRequestId(): string;
  /** Headers every reply carries. */
  headers(requestId: string, check: KeyCheck | undefined): Record<string, string>;
  /** The vendor's own error for a meaning; `message` replaces its usual text, `param` names the field at fault. */
  error(kind: ErrorKind, message?: string, param?: string): VendorError;
  errorBody(error: VendorError, requestId: string): unknown;
}
