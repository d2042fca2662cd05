/** What an image call may cost before it is made. Pure. */

import type { Capability, PricedModel } from '../../core/catalog/model.ts';
import { costBound, NO_USAGE, type Usage } from '../../core/ledger/money.ts';
import type { ImageAnswer, ImageRequest } from '../../core/providers/provider.ts';
import { countTokens } from '../../infra/tokens.ts';
import { allowingPriced } from './candidates.ts';
import { isFarBeyond } from './chat-usage.ts';
import { pricedInPictures } from './owned-fields.ts';
import type { Candidate, Plan } from './plan.ts';
import type { NoteUsageDoubt } from './usage-doubts.ts';

/** No model makes more tokens of one picture. */
const TOKENS_OF_A_PICTURE = 20_000;

export function imageCapability(request: Pick<ImageRequest, 'images'>): Capability {
  return request.images.length > 0 ? 'image-to-image' : 'text-to-image';
}

/**
 * Held for every picture asked for, and for the prompt where the model prices it. All or nothing: never clamped.
 * @throws {AppError} when no model's price covers what is asked.
 */
export function planImages(models: readonly PricedModel[], request: ImageRequest): Plan {
  const candidates = allowingPriced(models, pricedInPictures(request.extra)).map((model) => ({
    ...model,
    maxTokens: 0,
  }));
  const tokens = candidates.map((candidate) => promptBound(candidate, request));
  const bounds = candidates.map(({ price }, index) => costBound(price, tokens[index] ?? 0, 0, request.n));
  return {
    candidates,
    holdAmount: bounds.reduce((a, b) => (b > a ? b : a), 0n),
    tokenBound: Math.max(...tokens),
    clamped: false,
  };
}

/**
 * Charged by delivered pictures, never by what was asked for. Tokens far beyond the prompt that was held for are not
 * believed; ours are charged, marked as estimated.
 */
export function imageUsage(
  answer: ImageAnswer,
  request: ImageRequest,
  candidate: Candidate,
  noteDoubt: NoteUsageDoubt,
): Usage {
  const { promptTokens, completionTokens } = answer;
  const usage = { ...NO_USAGE, imageCount: answer.images.length };
  const most = { promptTokens: promptBound(candidate, request), completionTokens: TOKENS_OF_A_PICTURE * request.n };
  if (!isFarBeyond({ promptTokens, completionTokens }, most)) return { ...usage, promptTokens, completionTokens };
  noteDoubt('too-large', candidate, { promptTokens, completionTokens });
  return { ...usage, promptTokens: countTokens(request.prompt), estimated: true };
}

function promptBound({ tokensPerImage }: PricedModel, request: ImageRequest): number {
  return Buffer.byteLength(request.prompt) + request.images.length * tokensPerImage;
}
