/** The server-sent events of a chat stream as the client gets them. Pure. */

/** @returns the chunk for this client, or undefined when it holds nothing but usage nobody asked for. */
export function chunkForClient(data: string, wantsUsage: boolean): string | undefined {
  // A text in the answer cannot match: inside it quotes are escaped.
  if (wantsUsage || !data.includes('"usage":')) return data;
  let chunk: unknown;
  try {
    chunk = JSON.parse(data);
  } catch {
    return data;
  }
  if (typeof chunk !== 'object' || chunk === null || !('usage' in chunk)) return data;
  if ('choices' in chunk && Array.isArray(chunk.choices) && chunk.choices.length === 0) return undefined;
  const { usage: _usage, ...rest } = chunk;
  return JSON.stringify(rest);
}

export function dataEvent(data: string): string {
  return `data: ${data}\n\n`;
}

/** The end of a good stream: what it cost in a comment, then the mark that OpenAI's clients wait for. */
export function endOfStream(costText: string, requestId: string): string {
  return `: x-cost=${costText} x-request-id=${requestId}\n\ndata: [DONE]\n\n`;
}

/** An error in the middle, in the form that OpenAI's clients raise; no `[DONE]` follows. */
export function errorEvent(errorText: string): string {
  return `event: error\ndata: ${errorText}\n\n`;
}
