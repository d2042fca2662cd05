/** What the vendors' chat completions differ in. */
import type { CountedUsage } from '../journal/journal.ts';
import type { ChatRequest } from './request.ts';

export interface ChatDialect {
  /** Whether the model reasons before it answers. */
  thinks(request: ChatRequest, model: string): boolean;
  /** Bounds of the answer in tokens: of reasoning and answer together, and of the answer alone. */
  limits(request: ChatRequest): { total: number | undefined; answer: number | undefined };
  /** The usage object as the vendor writes it. */
  usage(usage: CountedUsage): Record<string, unknown>;
  /** Fields every completion and chunk carries beside OpenAI's own. */
  extraFields: Record<string, unknown>;
  completionId(seed: number): string;
}
