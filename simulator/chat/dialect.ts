/** What the vendors' chat completions differ in. */
import type { CountedUsage } from '../journal/call-record.ts';
import type { ChatRequest } from './request.ts';

export interface ChatDialect {
  /** Whether the model reasons before it answers. */
  thinks(request: ChatRequest, model: string): boolean;
  /** Bounds of the answer in tokens: of reasoning and answer together, and of the answer alone. */
  limits(request: ChatRequest): { total: number | undefined; answer: number | undefined };
  /** The usage object as the vendor writes it. */
  usage(usage: CountedUsage): Record<string, unknown>;
  /** Fields that every completion and chunk has in addition to OpenAI's. */
  extraFields: Record<string, unknown>;
  /** Members of every delta, and the delta that comes with the finish reason. */
  everyDelta: Record<string, unknown>;
  finalDelta: Record<string, unknown>;
  /** `usage` of the chunks before the last: OpenAI's null only if usage was asked for, the others' always. */
  usageOnChunks: 'null-if-asked' | 'null-always' | 'cumulative-if-asked';
  completionId(seed: number): string;
}
