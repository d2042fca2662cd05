/**
 * One declaration for a route that calls models: parse, run, render, and the form of its answers. What all of them share
 * is here. An idempotency key is claimed together with the hold of the call, and its first answer stays valid, whatever
 * has changed since. A client that leaves does not end its call, because what the provider does is charged all the same.
 */
import type { z } from 'zod';
import type { CallOutcome, Reply } from '../../activities/inference/charge.ts';
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import type { Said } from '../../core/conversations/turn.ts';
import type { OpenTurn } from '../../core/conversations/turns.ts';
import type { AnswerForm } from './forms.ts';
import { answerBytes, type BytesDeclaration } from './inference-bytes.ts';
import {
  callHeaders,
  type InferenceCall,
  type InferenceInput,
  type InferenceServices,
  inferenceCall,
  keptCall,
  loggedCall,
  replayCall,
  type WholeCall,
} from './inference-call.ts';
import { answerStream, type StreamDeclaration } from './inference-stream.ts';
import { ANSWERED, IMAGE_BODY_BYTES, type OtherAnswer, type Route, route } from './route.ts';
import type { ApiContext } from './route-input.ts';

/** How a chat is kept in a conversation. */
export interface ConversationDeclaration<Asked> {
  /** The turn, where the request asks for one. @throws {AppError} as `Turns.begin`. */
  readonly open: (asked: Asked, caller: AccessKeyCaller) => Promise<OpenTurn | undefined>;
}

interface CommonDeclaration<B extends z.ZodType, Asked> {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly body?: B;
  /** Instead of `body`, where the route reads the bytes itself; see `RouteDeclaration`. */
  readonly bodies?: Readonly<Record<string, z.ZodType>>;
  readonly success: z.ZodType;
  readonly mediaType?: string;
  readonly otherAnswers?: readonly OtherAnswer[];
  readonly form: AnswerForm;
  /** The largest body; one with an image unless set. */
  readonly bodyLimitBytes?: number;
  /** @throws {AppError} naming each field that is wrong. */
  readonly parse: (input: InferenceInput<z.output<NoInfer<B>>>) => Asked | Promise<Asked>;
  /** The body's own request id, which is an idempotency key, too. */
  readonly requestId?: (asked: NoInfer<Asked>) => string | undefined;
  readonly conversation?: ConversationDeclaration<NoInfer<Asked>>;
  /** For requests that become jobs: what is answered until they have ended. */
  readonly background?: {
    readonly isAsked: (asked: NoInfer<Asked>) => boolean;
    readonly answer: (asked: NoInfer<Asked>, input: InferenceInput<unknown>) => Promise<void>;
  };
}

/** Answered with an object, or as server-sent events. */
interface ObjectDeclaration<Asked, Outcome extends CallOutcome> {
  readonly bytes?: undefined;
  readonly run: (asked: NoInfer<Asked>, call: WholeCall<NoInfer<Outcome>>) => Promise<Reply<Outcome>>;
  /** The data of the answer. */
  readonly render: (outcome: NoInfer<Outcome>, asked: NoInfer<Asked>, turn: OpenTurn | undefined) => object;
  /** The same as text, where it is text already. */
  readonly text?: (outcome: NoInfer<Outcome>, asked: NoInfer<Asked>) => string | undefined;
  /** What is kept of the answer of a keyed request, and how the answer is made of it again; unless set, its data. */
  readonly kept?: {
    readonly of: (outcome: NoInfer<Outcome>, asked: NoInfer<Asked>) => object;
    /** @throws {AppError} when a part that is kept elsewhere is gone or cannot be read. */
    readonly whole: (text: string) => Promise<string>;
  };
  /** What the kept conversation remembers of the answer. */
  readonly said?: (outcome: NoInfer<Outcome>) => Said;
  /** For requests that are answered as server-sent events. */
  readonly stream?: StreamDeclaration<NoInfer<Asked>>;
}

/** Answered with the provider's own bytes. */
interface ByteRouteDeclaration<Asked> {
  readonly bytes: BytesDeclaration<NoInfer<Asked>>;
}

export type InferenceDeclaration<B extends z.ZodType, Asked, Outcome extends CallOutcome> = CommonDeclaration<
  B,
  Asked
> &
  (ObjectDeclaration<Asked, Outcome> | ByteRouteDeclaration<Asked>);

export function inferenceRoute<Asked, Outcome extends CallOutcome, B extends z.ZodType = z.ZodUndefined>(
  services: InferenceServices,
  declaration: InferenceDeclaration<B, Asked, Outcome>,
): Route {
  const { path, operationId, summary, description, body, bodies, success, mediaType, otherAnswers, form } = declaration;
  return route({
    ...{
      method: 'post',
      path,
      operationId,
      summary,
      tag: 'Inference',
      access: 'access-key',
      claimsKey: true,
      form,
      success,
    },
    ...(description === undefined ? {} : { description }),
    ...(body === undefined ? {} : { body }),
    ...(bodies === undefined ? {} : { bodies, bodyForm: 'bytes' }),
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(otherAnswers === undefined ? {} : { otherAnswers }),
    bodyLimitBytes: declaration.bodyLimitBytes ?? IMAGE_BODY_BYTES,
    unknownFields: 'ignored',
    handler: async (input: InferenceInput<z.output<B>>) => {
      const asked = await declaration.parse(input);
      if (declaration.background?.isAsked(asked)) {
        await declaration.background.answer(asked, input);
        return ANSWERED;
      }
      const call = inferenceCall(input, declaration.requestId?.(asked));
      // The call ends in its own time, however long its provider is silent.
      input.ctx.req.socket.setTimeout(0);
      if (declaration.bytes) {
        await answerBytes(services, declaration.bytes, asked, { form, input, call });
        return ANSWERED;
      }
      const { stream } = declaration;
      const openTurn = () => declaration.conversation?.open(asked, input.caller) ?? Promise.resolve(undefined);
      if (stream?.isAsked(asked)) await answerStream({ services, stream, form, input, asked, call, openTurn });
      else await answerWhole(services, declaration, asked, { input, call, openTurn });
      return ANSWERED;
    },
  });
}

interface Opening {
  readonly input: InferenceInput<unknown>;
  readonly call: InferenceCall;
  readonly openTurn: () => Promise<OpenTurn | undefined>;
}

async function answerWhole<B extends z.ZodType, Asked, Outcome extends CallOutcome>(
  { idempotency }: InferenceServices,
  {
    run,
    render,
    text: readyText,
    kept,
    said,
    form,
  }: Pick<CommonDeclaration<B, Asked>, 'form'> & ObjectDeclaration<Asked, Outcome>,
  asked: Asked,
  { input, call, openTurn }: Opening,
): Promise<void> {
  const { ctx, traceId } = input;
  const { request, context } = call;
  let turn: OpenTurn | undefined;
  let reply: Reply<Outcome>;
  const textOf = (outcome: Outcome) => readyText?.(outcome, asked) ?? JSON.stringify(render(outcome, asked, turn));
  try {
    turn = await openTurn();
    const keep = (outcome: Outcome) =>
      keptCall(outcome, kept === undefined ? textOf(outcome) : JSON.stringify(kept.of(outcome, asked)));
    reply = await run(asked, { request: request.claim ? { ...request, keep } : request, context, turn });
  } catch (error) {
    reply = await idempotency.answeredBefore(request.claim, error);
  }
  if (reply.kind === 'answered-before') {
    const text = replayCall(ctx, reply.answer).toString();
    return send(ctx, form.success(kept === undefined ? text : await kept.whole(text), traceId));
  }
  const { outcome } = reply;
  const text = textOf(outcome);
  ctx.set(callHeaders(outcome));
  ctx.state.call = loggedCall(outcome, outcome.cost);
  if (said) await turn?.keep(outcome.requestId, said(outcome));
  send(ctx, form.success(text, traceId));
}

function send(ctx: ApiContext, text: string): void {
  ctx.set('Content-Type', 'application/json; charset=utf-8');
  ctx.body = text;
}
