/** Log probabilities of an answer's tokens: invented, but of the right shape and one for each token. */
import { Buffer } from 'node:buffer';
import { decode, encode } from 'gpt-tokenizer/encoding/o200k_base';
import { textSlices } from '../../infra/tokens.ts';
import { hashText, seededRandom } from '../content/seeded-random.ts';

interface TokenLogprob {
  token: string;
  logprob: number;
  bytes: number[];
}

/** OpenAI's `logprobs` of one text; `top` alternatives for each token, the token itself first. */
export function logprobsOf(text: string, top: number): Record<string, unknown> {
  const random = seededRandom(hashText(text));
  const content = tokensOf(text).map((token) => {
    const chosen = entry(token, -random() * 0.5);
    const alternatives = Array.from({ length: Math.max(0, top - 1) }, (_, rank) =>
      entry(`${token}${rank}`, chosen.logprob - 1 - rank - random()),
    );
    return { ...chosen, top_logprobs: top === 0 ? [] : [chosen, ...alternatives] };
  });
  return { content, refusal: null };
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (const slice of textSlices(text)) {
    for (const token of encode(slice, { disallowedSpecial: new Set<string>() })) tokens.push(decode([token]));
  }
  return tokens;
}

function entry(token: string, logprob: number): TokenLogprob {
  return { token, logprob, bytes: [...Buffer.from(token)] };
}
