/** Texts the simulator answers with: whole sentences on the prompt, the same for the same prompt and seed. */
import { countTokens } from '../../infra/tokens.ts';
import { seededRandom } from './seeded-random.ts';

interface Voice {
  /** What an answer begins with; the first whose pattern is in the prompt. */
  readonly openings: readonly (readonly [RegExp, (quote: string) => string])[];
  /** Go on in an order that depends on the seed. */
  readonly sentences: readonly string[];
  readonly thoughts: readonly string[];
  readonly space: string;
}

const TABLE = `| What | How it is counted |
|---|---|
| A prompt | in tokens |
| A picture | each |

`;
const CHINESE_TABLE = `| 内容 | 计费方式 |
|---|---|
| 提示词 | 按词元 |
| 图片 | 按张 |

`;

const ENGLISH: Voice = {
  openings: [
    [/\b(hello|hi|hey|good (morning|evening))\b/i, () => 'Hello! It is good to hear from you.'],
    [
      /\bgateways?\b/i,
      () =>
        'A gateway is one front door to many services: it checks who calls, passes each call on and keeps the bill.',
    ],
    [/\bin a table\b/i, () => TABLE],
    [/\S/, (quote) => `You wrote "${quote}", and this is what a simulated model says to it.`],
    [/^/, () => 'The prompt is empty, so there is little to say about it.'],
  ],
  sentences: [
    'I am a simulated model: I know a short list of sentences and nothing else.',
    'The tokens of this answer are counted and charged like those of a real model.',
    'The same request gets the same answer again, which makes me easy to test with.',
    'No vendor was called and no key of yours was needed.',
    'A real model takes my place as soon as you add one.',
    'Ask for a stream, and these words arrive one after the other.',
    'Ask for JSON or offer me a tool, and I keep to the schema that you give.',
    'Set a limit in tokens, and I stop exactly there.',
  ],
  thoughts: [
    'The question is clear, so a few sentences will do.',
    'Nothing has to be looked up for that.',
    'First what was asked, then what else may help.',
    'It should be short, and true for any prompt.',
  ],
  space: ' ',
};

const CHINESE: Voice = {
  openings: [
    [/你好|您好|早上好|晚上好/, () => '你好！很高兴收到你的消息。'],
    [/网关/, () => '网关是通往许多服务的统一入口：它核对调用者的身份，转发每个请求，并记好每一笔账。'],
    [/表格/, () => CHINESE_TABLE],
    [/\S/, (quote) => `你写的是“${quote}”，下面是模拟模型的回答。`],
  ],
  sentences: [
    '我是一个模拟模型，只会说几句准备好的话。',
    '这个回答的词元照真实模型的方式计数和收费。',
    '同样的请求会得到同样的回答，便于测试。',
    '这里没有调用任何厂商，也不需要你的密钥。',
    '添加真实的模型之后，它就会代替我。',
    '如果选择流式输出，这些字会逐个到达。',
    '如果要求 JSON 或提供工具，我会遵守给定的结构。',
    '如果限制词元数，我会正好停在那里。',
  ],
  thoughts: ['问题很清楚，几句话就够了。', '这不需要查资料。', '先回答问题，再补充有用的内容。', '回答应当简短。'],
  space: '',
};

/** Counting is the slow part, and the sentences are always the same. */
const SENTENCE_TOKENS = new Map(
  [ENGLISH, CHINESE].flatMap(({ sentences, thoughts, space }) =>
    [...sentences, ...thoughts].map((sentence) => [sentence, countTokens(`${space}${sentence}`)] as const),
  ),
);

const HAN = /\p{Script=Han}/gu;
const KANA = /\p{Script=Hiragana}|\p{Script=Katakana}/u;
const OTHER_LETTERS = /[^\P{L}\p{Script=Han}]/gu;
/** Enough of a prompt to recognise its language and subject; more would only cost time. */
const MAX_SOURCE_CHARACTERS = 2_000;
const MAX_QUOTE_CHARACTERS = 60;

/** An answer of about `tokens` tokens to `prompt`, in Chinese where the prompt is, else in English. */
export function answerText(prompt: string, seed: number, tokens: number): string {
  const source = prompt.slice(-MAX_SOURCE_CHARACTERS);
  const voice = voiceFor(source);
  const opening = voice.openings.find(([pattern]) => pattern.test(source))?.[1](quoteOf(source)) ?? '';
  return continued(opening, voice.sentences, voice.space, seed, tokens);
}

/** What a reasoning model thinks before that answer. */
export function reasoningText(prompt: string, seed: number, tokens: number): string {
  const { thoughts, space } = voiceFor(prompt.slice(-MAX_SOURCE_CHARACTERS));
  const [opening = '', ...others] = thoughts;
  return continued(opening, others, space, seed, tokens);
}

function voiceFor(source: string): Voice {
  const han = source.match(HAN)?.length ?? 0;
  return han * 2 > (source.match(OTHER_LETTERS)?.length ?? 0) && !KANA.test(source) ? CHINESE : ENGLISH;
}

function quoteOf(source: string): string {
  const line = source.replace(/["“”\s]+/g, ' ').trim();
  const characters = [...line];
  return characters.length > MAX_QUOTE_CHARACTERS ? `${characters.slice(0, MAX_QUOTE_CHARACTERS).join('')}…` : line;
}

/** `opening` and then sentences, each as often as every other, until the text has about `tokens` tokens. */
function continued(opening: string, sentences: readonly string[], space: string, seed: number, tokens: number): string {
  const order = shuffled(sentences, seed);
  const parts = [opening];
  let written = countTokens(opening);
  for (let next = 0; ; next = (next + 1) % order.length) {
    const sentence = order[next] ?? '';
    const count = SENTENCE_TOKENS.get(sentence) ?? 0;
    if (written + count / 2 > tokens) return parts.join(space);
    parts.push(sentence);
    written += count;
  }
}

function shuffled(sentences: readonly string[], seed: number): string[] {
  const random = seededRandom(seed);
  return sentences
    .map((sentence) => ({ sentence, rank: random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ sentence }) => sentence);
}

/** The longest beginning of `text` that counts at most `maxTokens`; no character is split. */
export function firstTokens(text: string, maxTokens: number): string {
  if (countTokens(text) <= maxTokens) return text;
  const characters = [...text];
  let fits = 0;
  let tooLong = characters.length;
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (countTokens(characters.slice(0, middle).join('')) <= maxTokens) fits = middle;
    else tooLong = middle;
  }
  return characters.slice(0, fits).join('');
}

/** `text` in the pieces a stream sends, about a token each; joined they are the text again. */
export function streamPieces(text: string): string[] {
  return text.match(/\s*(?:\p{Script=Han}{1,2}|[^\s\p{Script=Han}]{1,12})|\s+/gu) ?? [];
}
