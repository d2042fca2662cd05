/** What an image call may cost before it is made. Pure. */
import { costBound, NO_USAGE, type Usage } from '../billing/money.ts';
import type { Capability, PricedModel } from './model.ts';
import type { Plan } from './plan.ts';
import type { ImageAnswer, ImageRequest } from './providers/provider.ts';

export function imageCapability(request: Pick<ImageRequest, 'images'>): Capability {
  return request.images.length > 0 ? 'image-to-image' : 'text-to-image';
}

/** Held for every picture asked for, and for the prompt where the model prices it. All or nothing: never clamped. */
export function planImages(models: readonly PricedModel[], request: ImageRequest): Plan {
  const candidates = models.map((model) => ({ ...model, maxTokens: 0 }));
  const promptBytes = Buffer.byteLength(request.prompt);
  const tokens = candidates.map(({ tokensPerImage }) => promptBytes + request.images.length * tokensPerImage);
  const bounds = candidates.map(({ price }, index) => costBound(price, tokens[index] ?? 0, 0, request.n));
  return {
    candidates,
    holdAmount: bounds.reduce((a, b) => (b > a ? b : a), 0n),
    tokenBound: Math.max(...tokens),
    clamped: false,
  };
}

/** Charged by delivered pictures, never by what was asked for. */
export function imageUsage(answer: ImageAnswer): Usage {
  return {
    ...NO_USAGE,
    imageCount: answer.images.length,
    promptTokens: answer.promptTokens,
    completionTokens: answer.completionTokens,
  };
}
