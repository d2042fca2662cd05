/** What the tests of DashScope's side send and read: the native calls, as a caller without a client library. */
import assert from 'node:assert/strict';
import { z } from 'zod';

const bodySchema = z.object({
  code: z.string().optional(),
  message: z.string().optional(),
  request_id: z.string(),
  output: z
    .object({
      task_id: z.string(),
      task_status: z.string(),
      code: z.string(),
      submit_time: z.string(),
      finished: z.boolean(),
      task_metrics: z.record(z.string(), z.number()),
      results: z.array(
        z.object({ url: z.string(), orig_prompt: z.string(), actual_prompt: z.string(), code: z.string() }).partial(),
      ),
      choices: z.array(
        z.object({
          finish_reason: z.string(),
          message: z.object({ content: z.array(z.object({ image: z.string(), type: z.string().optional() })) }),
        }),
      ),
    })
    .partial()
    .default({}),
  usage: z.record(z.string(), z.unknown()).optional(),
});

export interface Reply {
  status: number;
  body: z.infer<typeof bodySchema>;
}

export const PATHS = {
  M: 'multimodal-generation/generation',
  G: 'image-generation/generation',
  T: 'text2image/image-synthesis',
  I: 'image2image/image-synthesis',
};

export async function send(url: string, path: string, options: RequestInit = {}): Promise<Reply> {
  const response = await fetch(`${url}/api/v1${path}`, {
    ...options,
    headers: { authorization: 'Bearer sim-test', ...options.headers },
  });
  return { status: response.status, body: bodySchema.parse(await response.json()) };
}

export function generate(
  url: string,
  call: keyof typeof PATHS,
  model: string,
  options: { parameters?: object; input?: object; async?: boolean } = {},
): Promise<Reply> {
  const { parameters = {}, async = call !== 'M' } = options;
  const messages = { messages: [{ role: 'user', content: [{ text: 'a cat' }] }] };
  const input = options.input ?? (call === 'M' || call === 'G' ? messages : { prompt: 'a cat' });
  return send(url, `/services/aigc/${PATHS[call]}`, {
    method: 'POST',
    body: JSON.stringify({ model, input, parameters }),
    headers: async ? { 'x-dashscope-async': 'enable' } : {},
  });
}

/** The task's last state. */
export async function finished(url: string, submitted: Reply): Promise<Reply> {
  assert.equal(submitted.status, 200, JSON.stringify(submitted.body));
  const { task_id } = submitted.body.output;
  for (;;) {
    const reply = await send(url, `/tasks/${task_id}`);
    const { task_status } = reply.body.output;
    if (task_status !== 'PENDING' && task_status !== 'RUNNING') return reply;
  }
}

export const urlsOf = (reply: Reply): string[] => JSON.stringify(reply.body.output).match(/http:[^"]+/g) ?? [];

/** The journal's counts of the key that these tests use. */
export async function counts(url: string): Promise<Record<string, number>> {
  const response = await fetch(`${url}/control/counts`);
  const { byKey } = z
    .object({ byKey: z.record(z.string(), z.record(z.string(), z.number())) })
    .parse(await response.json());
  return byKey['sim-test'] ?? {};
}
