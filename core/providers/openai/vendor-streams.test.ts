/** Streams as vendors write them (`../__fixtures__/streams.json`), from their bytes to the answer and its usage. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { CompletionAssembler } from '../completion.ts';
import type { Call } from './client.ts';
import { readChunks } from './stream.ts';

const recordedSchema = z.array(
  z.strictObject({
    vendor: z.string(),
    /** The page that describes the form, and the day. */
    source: z.string(),
    /** A text is a comment. */
    events: z.array(z.union([z.string(), z.record(z.string(), z.unknown())])),
    /** Whether `[DONE]` comes at the end. */
    endMark: z.boolean(),
    makes: z.strictObject({
      content: z.string(),
      reasoning: z.string().optional(),
      finish: z.string(),
      /** Name and arguments of each. */
      calls: z.array(z.string()).optional(),
    }),
    /** What is counted; everything else is nothing. Null: no usage came. */
    usage: z.record(z.string(), z.unknown()).nullable(),
  }),
);
const STREAMS = recordedSchema.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, '..', '__fixtures__', 'streams.json'), 'utf8')),
);
const messageSchema = z.object({
  content: z.string().nullable(),
  reasoning_content: z.string().optional(),
  tool_calls: z
    .array(z.object({ id: z.string().min(1), function: z.object({ name: z.string(), arguments: z.string() }) }))
    .optional(),
});
const completionSchema = z.object({
  choices: z.tuple([z.object({ index: z.literal(0), message: messageSchema, finish_reason: z.string() })]),
});
/** What every client of OpenAI can read. */
const chunkSchema = z.object({
  choices: z.array(
    z.object({
      index: z.number(),
      delta: z.object({
        content: z.string().nullish(),
        tool_calls: z.array(z.looseObject({ index: z.number() })).optional(),
      }),
      finish_reason: z.string().min(1).nullish(),
    }),
  ),
});

const CALL: Call = { urlBase: '', apiKey: '', signal: new AbortController().signal, classify: () => 'transient' };
const EXPECTED = { choices: 1, head: { id: 'chatcmpl-1', created: 2, model: 'own' } };
const NOTHING = {
  ...{ promptTokens: 0, completionTokens: 0, cachedTokens: 0, cacheWriteTokens: 0, hourCacheWriteTokens: 0 },
  ...{ reasoningTokens: 0, searches: 0, serviceTier: null, unexplainedTokens: 0, isPartial: false, impossible: null },
};

async function assembled(pieces: readonly Uint8Array[]): Promise<CompletionAssembler> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  const assembler = new CompletionAssembler();
  const parsed = new CompletionAssembler();
  for await (const chunk of readChunks(bytes(), CALL, EXPECTED)) {
    chunkSchema.parse(JSON.parse(chunk.data));
    assembler.addChunk(chunk);
    parsed.add(chunk.body);
  }
  assert.deepEqual(assembler.completion(), parsed.completion());
  assert.deepEqual(assembler.usage(), parsed.usage());
  assembler.requireAnswer({});
  return assembler;
}

describe('streams as vendors write them', () => {
  for (const { vendor, events, endMark, makes, usage } of STREAMS) {
    test(vendor, async () => {
      const written = events.map((event) => (typeof event === 'string' ? event : `data: ${JSON.stringify(event)}`));
      const text = [...written, ...(endMark ? ['data: [DONE]'] : [])].map((event) => `${event}\n\n`).join('');
      const whole = new TextEncoder().encode(text);
      const halves = [whole.subarray(0, whole.length / 2), whole.subarray(whole.length / 2)];
      for (const pieces of [[whole], halves, Array.from(whole, (byte) => Uint8Array.of(byte))]) {
        const assembler = await assembled(pieces);
        const [{ message, finish_reason: finish }] = completionSchema.parse(assembler.completion()).choices;
        const { content, reasoning_content: reasoning, tool_calls: calls } = message;
        const said = {
          content: content ?? '',
          ...(reasoning === undefined ? {} : { reasoning }),
          finish,
          ...(calls === undefined
            ? {}
            : { calls: calls.map((one) => `${one.function.name} ${one.function.arguments}`) }),
        };
        assert.deepEqual(said, makes);
        assert.deepEqual(assembler.usage(), usage === null ? undefined : { ...NOTHING, ...usage });
      }
    });
  }
});
