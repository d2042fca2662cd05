/** Answers that carry more, or less, than one text. Each comes whole and as a stream. */
import type { Fault, Json } from './fault.ts';
import { eachChoice } from './stream-faults.ts';

/** The message of every choice in place of what the simulator says, whole and as the deltas of a stream. */
function says(message: Json, deltas: readonly Json[], finishReason = 'stop'): Pick<Fault, 'completion' | 'stream'> {
  return {
    completion: (completion) => ({
      ...completion,
      choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finishReason }],
    }),
    stream: (items) => {
      const [first] = items;
      const head = first && 'chunk' in first ? first.chunk : {};
      const chunk = (delta: Json, finish_reason: string | null) => ({
        chunk: { ...head, choices: [{ index: 0, delta, finish_reason }] },
      });
      const afterChoices = items.filter(
        (item) => !('chunk' in item) || (Array.isArray(item.chunk.choices) && item.chunk.choices.length === 0),
      );
      return [
        chunk({ role: 'assistant' }, null),
        ...deltas.map((delta) => chunk(delta, null)),
        chunk({}, finishReason),
        ...afterChoices,
      ];
    },
  };
}

const toolCall = (id: string, name: string, argumentsText: string) => ({
  id,
  type: 'function',
  function: { name, arguments: argumentsText },
  extra_content: { google: { thought_signature: `signature of ${name}` } },
});
const WEATHER = toolCall('call_1', 'get_weather', '{"city":"Paris"}');
const BROKEN = toolCall('call_1', 'get_weather', '{bad');
const CLOCK = toolCall('call_2', 'get_time', '{"zone":"CET"}');

const THINKING_PART = { type: 'thinking', thinking: [{ type: 'text', text: 'Let me see.' }] };
const TEXT_PART = { type: 'text', text: 'It is sunny.' };

const CITATION = {
  type: 'url_citation',
  url_citation: { url: 'https://example.com/weather', title: 'Weather', start_index: 0, end_index: 12 },
};
const DOT =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const IMAGE = { type: 'image_url', image_url: { url: DOT } };
const AUDIO = { id: 'audio_1', data: 'UklGRg==', transcript: 'It is sunny.', expires_at: 1_900_000_000 };

export const ANSWER_FAULTS = {
  'tools-without-index': {
    does: 'two calls of tools, in a stream without index, with a field of the vendor',
    seen: "Gemini's OpenAI form, Ollama",
    ...says(
      { content: null, tool_calls: [WEATHER, CLOCK] },
      [{ tool_calls: [WEATHER] }, { tool_calls: [CLOCK] }],
      'tool_calls',
    ),
  },
  'tools-in-turns': {
    does: 'two calls of tools and a text, in a stream with their pieces mixed',
    seen: 'vLLM, SGLang',
    ...says(
      { content: TEXT_PART.text, tool_calls: [WEATHER, CLOCK] },
      [
        { tool_calls: [{ ...WEATHER, index: 0, function: { name: 'get_weather', arguments: '{"city":' } }] },
        { tool_calls: [{ ...CLOCK, index: 1, function: { name: 'get_time', arguments: '{"zone":' } }] },
        { content: TEXT_PART.text },
        { tool_calls: [{ index: 1, function: { arguments: '"CET"}' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '"Paris"}' } }] },
      ],
      'tool_calls',
    ),
  },
  'tools-broken': {
    does: 'a call of a tool whose arguments are no JSON',
    seen: 'vLLM, Ollama',
    ...says({ content: null, tool_calls: [BROKEN] }, [{ tool_calls: [{ ...BROKEN, index: 0 }] }], 'tool_calls'),
  },
  'content-parts': {
    does: 'content as a list of thinking and text',
    seen: 'Mistral: magistral',
    ...says({ content: [THINKING_PART, TEXT_PART] }, [{ content: [THINKING_PART] }, { content: [TEXT_PART] }]),
  },
  annotations: {
    does: 'a text with the sources of a search',
    seen: 'OpenAI search, OpenRouter',
    ...says({ content: TEXT_PART.text, annotations: [CITATION] }, [
      { content: TEXT_PART.text },
      { annotations: [CITATION] },
    ]),
  },
  'reasoning-only': {
    does: 'reasoning and no text, under the name reasoning',
    seen: 'OpenRouter, vLLM',
    ...says({ content: null, reasoning: 'Let me see.' }, [{ reasoning: 'Let me see.' }]),
  },
  'refusal-only': {
    does: 'a refusal and no text',
    seen: 'OpenAI structured outputs',
    ...says({ content: null, refusal: 'I cannot help with that.' }, [{ refusal: 'I cannot help with that.' }]),
  },
  'picture-only': {
    does: 'an image and no text',
    seen: 'OpenRouter: gemini image models',
    ...says({ content: '', images: [IMAGE] }, [{ images: [IMAGE] }]),
  },
  audio: {
    does: 'speech with its transcript',
    seen: 'OpenAI: gpt-audio',
    ...says({ content: null, audio: AUDIO }, [
      { audio: { id: AUDIO.id, transcript: AUDIO.transcript } },
      { audio: { data: AUDIO.data, expires_at: AUDIO.expires_at } },
    ]),
  },
  'says-nothing': {
    does: 'a role and nothing more, with the full usage of the prompt',
    seen: 'Gemini, Qwen, GLM',
    ...says({ content: null }, []),
  },
  'no-choice-index': {
    does: 'choices without index',
    seen: 'small servers',
    completion: (completion) => completion,
    stream: (items) => eachChoice(items, ({ index: _, ...choice }) => choice),
  },
} as const satisfies Record<string, Fault>;
