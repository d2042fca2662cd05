/** Volcengine's Ark: OpenAI's interface with an accent, pictures with fields of its own. */
import { invalid } from '../../../infra/errors.ts';
import { createChatAdapter } from '../openai/chat.ts';
import type { ChatBody } from '../provider.ts';
import type { Vendor } from '../vendor.ts';
import { classifyArk } from './errors.ts';
import { createArkImages } from './images.ts';

const HOST = /^ark\.[a-z0-9-]+\.(volces|bytepluses)\.com$/;
const asItIs = (urlBase: string): string => urlBase;

export const ark: Vendor = {
  ownsHost: (hostname) => HOST.test(hostname),
  imageModels: /^(seed|doubao)/i,
  modelsBase: asItIs,
  severalBases: false,
  chat: ({ chat }) => createChatAdapter(chat, { base: asItIs, body: arkBody, classify: classifyArk }),
  images: ({ images }) => createArkImages(images),
};

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
