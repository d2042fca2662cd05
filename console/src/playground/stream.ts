/** A chat as a stream, called as the signed-in user with the limits of a chosen access key. */
import { createParser } from 'eventsource-parser';
import { ApiError, errorOf, TRACE_HEADER } from '../api/api-error.ts';
import { client, withKey } from '../api/client.ts';
import { type Answer, NO_ANSWER, withChunk, withComment } from './answer.ts';

/**
 * @param onAnswer gets the answer after each piece.
 * @throws ApiError for a call that was refused or has failed in the middle; what `signal` throws when it is stopped.
 */
export async function streamChat(
  accessKeyId: number,
  body: { readonly messages: unknown[] },
  signal: AbortSignal,
  onAnswer: (answer: Answer) => void,
): Promise<void> {
  const { data, response } = await client.POST('/v1/chat/completions', {
    body: { ...body, stream: true, stream_options: { include_usage: true } },
    headers: withKey(accessKeyId),
    parseAs: 'stream',
    signal,
  });
  if (!(data instanceof ReadableStream)) throw new ApiError(502, 0, 'the answer is no stream', [], undefined);
  // Of one that is stopped, this alone leads to what it cost.
  let answer: Answer = { ...NO_ANSWER, requestId: response.headers.get('x-request-id') ?? undefined };
  const parser = createParser({
    onEvent: ({ event, data: text }) => {
      if (text === '[DONE]') return;
      const chunk: unknown = JSON.parse(text);
      if (event === 'error') throw errorOf(502, chunk, response.headers.get(TRACE_HEADER));
      answer = withChunk(answer, chunk);
    },
    onComment: (comment) => {
      answer = withComment(answer, comment);
    },
  });
  const decoder = new TextDecoder();
  const reader = data.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parser.feed(decoder.decode(value, { stream: true }));
    onAnswer(answer);
  }
}
