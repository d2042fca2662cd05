/** Streams that end, break or fall silent in the ways of real vendors. `=number` is the chunks before it happens. */
import { DONE, type Fault, type Json, type StreamItem } from './fault.ts';

const AFTER = { means: 'chunks before it', default: 1 };

/** Something else instead of the rest. */
function broken(...ending: StreamItem[]): Pick<Fault, 'value' | 'stream'> {
  return { value: AFTER, stream: (items, chunks) => [...items.slice(0, chunks), ...ending] };
}

const event = (data: unknown, head = ''): StreamItem => ({ raw: `${head}data: ${JSON.stringify(data)}\n\n` });

/** Changes every choice of every chunk. */
export function eachChoice(items: readonly StreamItem[], change: (choice: Json) => Json): StreamItem[] {
  return items.map((item) => {
    if (!('chunk' in item) || !Array.isArray(item.chunk.choices)) return item;
    return { chunk: { ...item.chunk, choices: item.chunk.choices.map((choice: Json) => change(choice)) } };
  });
}

const withoutDone = (items: readonly StreamItem[]): StreamItem[] => items.filter((item) => item !== DONE);
const unfinished = (text: string | null) => (items: readonly StreamItem[]) =>
  eachChoice(items, (choice) => ({ ...choice, finish_reason: choice.finish_reason ?? text }));

export const STREAM_FAULTS = {
  // The end.
  'empty-finish-reason': {
    does: '"finish_reason":"" in every chunk before the last',
    seen: 'Azure, new-api, Groq proxies',
    stream: unfinished(''),
  },
  'null-finish-reason': {
    does: '"finish_reason":"null" in every chunk before the last',
    seen: 'DashScope',
    stream: unfinished('null'),
  },
  'no-done': { does: 'ends after finish reason and usage without [DONE]', seen: 'Gemini', stream: withoutDone },
  'no-finish-reason': {
    does: 'ends with [DONE], but no choice has a finish reason',
    seen: 'Ollama, llama.cpp',
    stream: (items) => eachChoice(items, (choice) => ({ ...choice, finish_reason: null })),
  },
  'stays-open': {
    does: 'leaves the connection open after finish reason and usage, without [DONE]',
    seen: 'SiliconFlow, vLLM behind a proxy',
    stream: (items) => [...withoutDone(items), { connection: 'stays open' }],
  },
  // Errors in the middle, in the vendors' forms.
  'error-flat': {
    does: 'data: {"code","message"} in the stream',
    seen: 'DashScope',
    ...broken(event({ code: 'InternalError', message: 'An internal error has occurred.', request_id: 'r-1' })),
  },
  'error-dashscope': {
    does: 'event:error with the status as a comment',
    seen: 'DashScope, native',
    ...broken({
      raw: 'id:9\nevent:error\n:HTTP_STATUS/500\ndata:{"code":"InternalError","message":"An internal error has occurred.","request_id":"r-1"}\n\n',
    }),
  },
  'error-ark': {
    does: 'data: {"error":…} with a code of its own',
    seen: 'Ark',
    ...broken(
      event({ error: { code: 'InternalServiceError', message: 'The service met an error.', param: '', type: 'x' } }),
    ),
  },
  'error-string': {
    does: 'data: {"error":"text"}',
    seen: 'Ollama',
    ...broken(event({ error: 'model runner stopped' })),
  },
  'error-minimax': {
    does: 'base_resp.status_code that is not 0',
    seen: 'MiniMax',
    ...broken(event({ choices: null, base_resp: { status_code: 1_013, status_msg: 'internal error' } })),
  },
  'error-event': {
    does: 'event: error with text that is no JSON',
    seen: 'proxies',
    ...broken({ raw: 'event: error\ndata: upstream connect error\n\n' }),
  },
  'error-vllm': {
    does: '{"object":"error","message"} as a chunk',
    seen: 'vLLM',
    ...broken(event({ object: 'error', message: 'engine is dead', type: 'InternalServerError', code: 500 })),
  },
  'error-choice': {
    does: 'a choice with an error and the finish reason "error"',
    seen: 'OpenRouter',
    ...broken(
      event({
        choices: [
          {
            index: 0,
            delta: { content: '' },
            finish_reason: 'error',
            error: { code: 502, message: 'provider disconnected' },
          },
        ],
      }),
    ),
  },
  breaks: { does: 'the connection breaks', seen: 'all', ...broken({ connection: 'breaks' }) },
  // Silence.
  'thinks-silently': {
    does: 'the role at once, the rest after a silence',
    seen: 'o-series over Azure, DeepSeek, Kimi',
    value: { means: 'milliseconds', default: 5_000 },
    stream: ([role, ...rest], pauseMs) => [...(role ? [role] : []), { pauseMs }, ...rest],
  },
} as const satisfies Record<string, Fault>;
