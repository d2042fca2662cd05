/** What a provider delivers beyond what was asked is not paid for, and not given on. Pure. */
import type { ImageAdapter } from './provider.ts';

/** The adapter, its pictures cut to as many as the request asked for. */
export function withAskedPictures(adapter: ImageAdapter): ImageAdapter {
  return {
    generate: async (target, request, tasks, context) => {
      const answer = await adapter.generate(target, request, tasks, context);
      return { ...answer, images: answer.images.slice(0, request.n) };
    },
  };
}
