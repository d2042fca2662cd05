/** Errors as OpenAI's own API words them, and the paths on which callers expect that form. */
import type { AppError, ErrorKind } from '../../infra/errors.ts';
import { refusalText } from './refusal.ts';

const OPENAI_PATHS = new Set(['/v1/chat/completions', '/v2/chat', '/v2/chat/stream']);
const IMAGES_PREFIX = '/v1/images/';
const MODELS_PATH = '/v1/models';

/** A provider's own code may be any text. */
const MAX_CODE = 100;

/** The words that clients of OpenAI look for in `code`; other kinds carry our own number. */
const OPENAI_CODES: Partial<Record<ErrorKind, string>> = {
  notAuthenticated: 'invalid_api_key',
  invalidToken: 'invalid_api_key',
  modelNotFound: 'model_not_found',
  tooManyRequests: 'rate_limit_exceeded',
  insufficientBalance: 'insufficient_quota',
  budgetSpent: 'insufficient_quota',
};

/** `keyAlone`: the caller shows an access key and no login token. */
export function answersAsOpenAi(method: string, path: string, keyAlone: boolean): boolean {
  if (OPENAI_PATHS.has(path) || path.startsWith(IMAGES_PREFIX)) return true;
  if (!keyAlone || (method !== 'GET' && method !== 'HEAD')) return false;
  return path === MODELS_PATH || path.startsWith(`${MODELS_PATH}/`);
}

/** The body of an error: `{"error":{message,type,param,code}}`. */
export function openAiErrorText(error: AppError): string {
  const code = error.details.openaiCode ?? OPENAI_CODES[error.kind] ?? String(error.code);
  return refusalText(error, ({ message, param }) =>
    JSON.stringify({
      error: { message, type: error.openaiType, param: param ?? null, code: code.slice(0, MAX_CODE) },
    }),
  );
}
