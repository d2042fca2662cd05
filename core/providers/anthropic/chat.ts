/** Chat of clients of OpenAI's interface, over Messages: the request is written anew, the answer read as a completion. */
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { CompletionAssembler } from '../completion.ts';
import type { CallContext, ChatAdapter, ChatBody, ChatChunk, UpstreamTarget, VendorClients } from '../provider.ts';
import { usageOfAnswer } from '../usage.ts';
import { postMessages, readAnswer } from './client.ts';
import { headOf, readMessage, readMessages } from './messages.ts';
import { chatUsage, completionOf, MessagesReader } from './read-along.ts';
import { messagesBody } from './request.ts';

export function createAnthropicChat(sendFor: VendorClients['send']): ChatAdapter {
  const post = (target: UpstreamTarget, chat: ChatBody, { signal }: CallContext, streamed: boolean) => {
    const body = { ...messagesBody(chat), model: target.model, ...(streamed ? { stream: true } : {}) };
    return postMessages(sendFor, target, '/v1/messages', { body, headers: {}, signal });
  };

  const stream = async (target: UpstreamTarget, body: ChatBody, context: CallContext) => {
    const answer = await post(target, body, context, true);
    const reader = new MessagesReader(headOf(target, context), true);
    let usage: Json = {};
    return readMessages(answer, target, context.signal, (event) => {
      const chunk = reader.chunkOf(event.body);
      if (isJsonObject(chunk.usage)) usage = { ...usage, ...chunk.usage };
      return chunkFor(chunk, usage);
    });
  };

  return {
    complete: async (target, body, context) => {
      if (target.onlyStreams) return assembled(await stream(target, body, context));
      const answer = await post(target, body, context, false);
      const text = await readAnswer(answer, context.signal);
      const message = readMessage(text, answer, target);
      const completion = completionOf(message, headOf(target, context));
      return { completion: { ...completion, usage: chatUsage(message.usage) }, usage: usageOfAnswer(message) };
    },
    stream,
  };
}

/** The usage is sent once, at the end, when all of it is known. */
function chunkFor(chunk: Json, usage: Json): ChatChunk | undefined {
  const { usage: part, ...rest } = chunk;
  const [choice] = Array.isArray(rest.choices) ? rest.choices : [];
  if (choice === undefined && part === undefined) return undefined;
  const isEnd = choice === undefined || (isJsonObject(choice) && choice.finish_reason !== null);
  const data = isEnd && part !== undefined ? { ...rest, usage: chatUsage(usage) } : rest;
  return { data: JSON.stringify(data), body: chunk };
}

async function assembled(chunks: AsyncIterable<ChatChunk>) {
  const assembler = new CompletionAssembler();
  for await (const { body } of chunks) assembler.add(body);
  return { completion: assembler.completion(), usage: assembler.usage() };
}
