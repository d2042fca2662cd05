import type { Model } from '../api/generated/schema.ts';

/** What models can do. */
export type Capability = Model['capabilities'][number];

export const CAPABILITIES: readonly Capability[] = [
  ...(['text-to-text', 'image-to-text', 'text-to-image', 'image-to-image', 'text-to-embedding'] as const),
  ...(['speech-to-text', 'text-to-speech', 'rerank', 'moderation'] as const),
];
