/** Chat on Ark (PROVIDERS.md, 3.1). */
import { invalid } from '../../../../infra/errors.ts';
import type { ChatDialect } from '../openai/chat.ts';
import type { ChatBody } from '../provider.ts';
import { classifyArk } from './errors.ts';

export const ARK_DIALECT: ChatDialect = { base: (urlBase) => urlBase, body: arkBody, classify: classifyArk };

/**
 * Null is the same as absent there, `max_tokens` and `max_completion_tokens` must not come together, and `n` is unknown.
 * @throws {AppError} invalidParameter for more than one choice.
 */
function arkBody({ n, ...body }: ChatBody): ChatBody {
  if (typeof n === 'number' && n !== 1) throw invalid([{ path: 'n', message: 'must be 1 for this model' }]);
  const fields = Object.entries(body).filter(([name, value]) => {
    const overruled = name === 'max_tokens' && typeof body.max_completion_tokens === 'number';
    return value !== null && value !== undefined && !overruled;
  });
  return { ...Object.fromEntries(fields), messages: body.messages };
}
