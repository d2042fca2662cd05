/**
 * Exchanges that were recorded with the vendors' own clients (`<vendor>/__fixtures__`): what the client really sent, a
 * reply written from the vendor's documentation, and what the client made of it (`sdk_result`).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type TestOutbound, testOutbound, type WrittenAnswer } from './test-outbound.ts';

const captureSchema = z.object({
  sdk_result: z.string(),
  exchanges: z.array(
    z.object({
      request: z.object({
        method: z.string(),
        path: z.string(),
        headers: z.array(z.tuple([z.string(), z.string()])),
        body: z.unknown().optional(),
        body_text: z.string().optional(),
      }),
      reply: z.object({ status: z.number(), headers: z.record(z.string(), z.string()), body: z.string() }),
    }),
  ),
});

export type Capture = z.infer<typeof captureSchema>;
type CapturedRequest = Capture['exchanges'][number]['request'];

/** @param vendor the folder of the adapter. */
export function capture(vendor: 'openai' | 'dashscope' | 'ark' | 'anthropic', name: string): Capture {
  const file = join(import.meta.dirname, vendor, '__fixtures__', `${name}.json`);
  return captureSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** Answers as the vendor does in the recordings, one after the other. */
export function replay(captures: readonly Capture[], change: Partial<WrittenAnswer> = {}): TestOutbound {
  const replies = captures.flatMap(({ exchanges }) => exchanges.map(({ reply }) => reply));
  return testOutbound(replies.map((reply) => ({ ...reply, ...change })));
}

export function requestOf(recorded: Capture, index = 0): CapturedRequest {
  const request = recorded.exchanges[index]?.request;
  if (!request) throw new Error(`the recording has no exchange ${index}`);
  return request;
}

/** The fields that the client set; a null is an unset field of a generated client. */
export function fieldsOf(recorded: Capture, index = 0): Record<string, unknown> {
  const body = z.record(z.string(), z.unknown()).parse(requestOf(recorded, index).body);
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}
