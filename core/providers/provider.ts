/**
 * What an adapter of a provider does, and what a vendor says of itself. An adapter translates: our request into the
 * provider's, its answer and errors into ours. It never retries, never chooses keys and never knows prices.
 */
import type { Logger } from 'pino';
import type { CallLimits, Outbound, Send } from '../../infra/outbound.ts';
import type { ReadImage } from '../images/image-reader.ts';
import type { DeliveredImage } from '../images/stored-images.ts';
import type { Usage } from '../ledger/money.ts';
import type { ModelNeeds } from './needs.ts';
import type { OpenAiClient } from './openai/client.ts';

export const PROVIDER_KINDS = ['openai', 'dashscope', 'ark', 'anthropic'] as const;
/** What kind of interface a provider has; ./vendors.ts has all that follows from it. */
export type ProviderKind = (typeof PROVIDER_KINDS)[number];

/** One key of one provider and the model as the provider names it. `apiKey` is a secret. */
export interface UpstreamTarget {
  readonly kind: ProviderKind;
  readonly urlBase: string;
  readonly apiKey: string;
  readonly model: string;
  /** The longest silence before the first byte and between two, where it is the model's own. */
  readonly patienceMs?: number | undefined;
  /** The model only streams: a whole answer is put together from a stream. */
  readonly onlyStreams?: boolean | undefined;
  /** Where on the provider's server Messages are, beside the provider's own interface (ModelNeeds). */
  readonly messagesPath?: string | undefined;
  /** Which chats are asked by OpenAI's /responses (ModelNeeds). */
  readonly chatInterface?: ModelNeeds['chatInterface'];
}

/** An OpenAI chat.completions body; what the gateway does not know passes through. */
export interface ChatBody {
  readonly messages: readonly unknown[];
  readonly [field: string]: unknown;
}

/** Usage as the provider counted it; undefined when it never came and we have to count. */
export type ReportedUsage = CountedTokens | undefined;
export interface CountedTokens
  extends Omit<Usage, 'estimated' | 'imageCount' | 'characters' | 'audioSeconds' | 'doubt'> {
  /** What its total counts beyond all that it names. */
  readonly unexplainedTokens: number;
  /** The completion, or its end, is not counted. */
  readonly isPartial: boolean;
  /** What stands where a count should and is none (negative, fractional, absurdly large), for the log. */
  readonly impossible: string | null;
}

export interface ChatAnswer {
  /** OpenAI's chat.completion object as the provider sent it. */
  readonly completion: Readonly<Record<string, unknown>>;
  readonly usage: ReportedUsage;
  /** The answer as the provider wrote it, where it was asked in the client's own form. */
  readonly native?: string;
}

/** One part of a streamed answer, in the form that clients can read. */
export interface ChatChunk {
  /** OpenAI's chat.completion.chunk as JSON text. Of a native stream: of Messages the whole event, of Responses its data. */
  readonly data: string;
  /** What it says, always as a chat.completion.chunk. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Set where the chunk is like one before, but for its text. */
  readonly repeated?: RepeatedText;
}

/** What stands around the one text of chunks that repeat a form. */
export interface RepeatedForm {
  readonly before: string;
  readonly after: string;
  readonly field: 'content' | 'reasoning_content' | 'reasoning';
  /** Of the choice. */
  readonly index: number;
}

export interface RepeatedText {
  readonly form: RepeatedForm;
  /** As it stands in the JSON. */
  readonly written: string;
  readonly text: string;
}

export interface ChatAdapter {
  /** @throws {UpstreamFailure} */
  complete(target: UpstreamTarget, body: ChatBody, context: CallContext): Promise<ChatAnswer>;
  /**
   * Yields each chunk, the last one with usage; `[DONE]` is not yielded. Resolves after the provider's headers, so that a
   * refusal can still go to another key.
   * @throws {UpstreamFailure} before the first event, or from the iterator when the stream breaks.
   */
  stream(target: UpstreamTarget, body: ChatBody, context: CallContext): Promise<AsyncIterable<ChatChunk>>;
}

/** Forms of chat beside OpenAI's chat.completions. */
export type NativeForm = 'messages' | 'responses';

/** An image request in the gateway's words. */
export interface ImageRequest {
  readonly prompt: string;
  /** Data URLs or http(s) URLs; none = text to image. */
  readonly images: readonly string[];
  readonly mask?: string;
  readonly n: number;
  /** As the caller wrote it, either separator; undefined = the model's default. */
  readonly size?: string;
  readonly seed?: number;
  readonly negativePrompt?: string;
  readonly promptExtend?: boolean;
  readonly watermark?: boolean;
  /** 0–1, how far the result may leave the given image. */
  readonly strength?: number;
  /** Fields of the provider that pass through. */
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface ImageAnswer {
  /** Delivered images only; billing counts these. */
  readonly images: readonly DeliveredImage[];
  /** The prompt as the provider rewrote it, when it says so. */
  readonly actualPrompt?: string;
  /** What else the vendor says of them in OpenAI's words: `size`, `quality`, `usage` … */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** Of tokens; undefined where the vendor counts images only. */
  readonly usage: ReportedUsage;
}

/** Where an asynchronous provider task stands; stored with the job so that a retry resumes and never submits twice. */
export interface TaskStore {
  /** The task id of an earlier run of this job, if it was submitted. */
  readonly taskId: string | undefined;
  /** Called before the submit; throws when an earlier run may have submitted without learning the id. */
  beforeSubmit(): Promise<void>;
  /** Called with the id before the first poll. */
  submitted(taskId: string): Promise<void>;
}

export interface ImageAdapter {
  /** @throws {AppError} invalidParameter when the model cannot do what is asked; {UpstreamFailure} otherwise. */
  generate(target: UpstreamTarget, request: ImageRequest, tasks: TaskStore, context: CallContext): Promise<ImageAnswer>;
}

/** What is to be embedded, as callers of OpenAI write it: one text or several, or each as the numbers of its tokens. */
export type EmbeddingInput = string | readonly string[] | readonly number[] | readonly (readonly number[])[];

export interface EmbeddingRequest {
  readonly input: EmbeddingInput;
  readonly encoding: 'float' | 'base64';
  /** Fields of the provider that pass through: `dimensions`, `input_type` … */
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface EmbeddingAnswer {
  /** OpenAI's list of embeddings in the encoding that was asked for, one for each input, in its order. */
  readonly list: Readonly<Record<string, unknown>>;
  readonly usage: ReportedUsage;
}

export interface EmbeddingAdapter {
  /** @throws {UpstreamFailure} */
  embed(target: UpstreamTarget, request: EmbeddingRequest, context: CallContext): Promise<EmbeddingAnswer>;
}

/** Texts to be put in the order of what they say about a query. */
export interface RerankRequest {
  readonly query: string;
  readonly documents: readonly string[];
  /** How many of the best are wanted; undefined = all. */
  readonly topN: number | undefined;
  /** Fields of the provider that pass through: `instruction`, `max_chunks_per_doc` … */
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface RankedDocument {
  /** Its place in the request. */
  readonly index: number;
  readonly score: number;
}

export interface RerankAnswer {
  /** The best first, each document at most once, never more than were wanted. */
  readonly ranked: readonly RankedDocument[];
  readonly usage: ReportedUsage;
  /** What Cohere charges by: a query with up to 100 documents; undefined = not reported. */
  readonly searchUnits: number | undefined;
}

export interface RerankAdapter {
  /** @throws {UpstreamFailure} */
  rerank(target: UpstreamTarget, request: RerankRequest, context: CallContext): Promise<RerankAnswer>;
}

/** The media type of server-sent events. */
export const EVENTS = 'text/event-stream';

/** Bytes as they come. */
export interface ByteAnswer {
  /** Without parameters, in lower case. */
  readonly mediaType: string;
  /** Throws UpstreamFailure where it breaks. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** What the provider has counted, after its end, where the bytes do not say it. */
  readonly reported?: () => unknown;
}

export interface SpeechRequest {
  readonly input: string;
  /** Fields that pass through: `voice`, `response_format`, `instructions` … */
  readonly extra: Readonly<Record<string, unknown>>;
  /** The provider's count of tokens is needed, which it gives with events alone. */
  readonly counted?: boolean;
}

export interface TranscriptionRequest {
  readonly file: File;
  /** Of the form, but the model; a name may come several times. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

export interface AudioAdapter {
  /** @throws {UpstreamFailure} */
  speak(target: UpstreamTarget, request: SpeechRequest, context: CallContext): Promise<ByteAnswer>;
  /** @throws {UpstreamFailure} */
  transcribe(target: UpstreamTarget, request: TranscriptionRequest, context: CallContext): Promise<ByteAnswer>;
}

export interface ModerationRequest {
  readonly input: unknown;
  /** Fields of the provider that pass through. */
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface ModerationAdapter {
  /** @returns OpenAI's answer as the provider gave it. @throws {UpstreamFailure} */
  moderate(
    target: UpstreamTarget,
    request: ModerationRequest,
    context: CallContext,
  ): Promise<Readonly<Record<string, unknown>>>;
}

/** What a function is given of the call that it serves; Koa and Temporal each make one. */
export interface CallContext {
  /** Aborts when the caller has given up, the job was cancelled, or the deadline has passed. */
  readonly signal: AbortSignal;
  /**
   * Whether an abort means that nobody wants the result any more. False while the work only goes on elsewhere (a worker
   * that stops): then what a provider has begun must not be called off. Absent: an abort always means it.
   */
  readonly isCancelled?: () => boolean;
  /**
   * Aborts when nobody wants the result any more while the call goes on, because the provider is paid for it all the
   * same. What the provider lets be called off for free is called off; everything else is waited for.
   */
  readonly calledOff?: AbortSignal;
  /** Tells whoever watches that the call is alive, in a sentence an operator can read. */
  readonly heartbeat: (detail: string) => void;
  /** Its lines name the call. Made when asked for: most calls need none, and it costs more than a line. */
  readonly log: () => Logger;
  /** Id of the call or job; also the id of its hold. */
  readonly requestId: string;
}

/** What adapters call with. */
export interface VendorClients {
  /** With the patience that the model asks for. */
  readonly chat: (target: Pick<UpstreamTarget, 'patienceMs'>) => OpenAiClient;
  /** The same without the package of OpenAI's, for interfaces with headers of their own. */
  readonly send: (target: Pick<UpstreamTarget, 'patienceMs'>) => Send;
  /** Waits longer for the first byte: images are made before an answer begins. */
  readonly images: OpenAiClient;
  /** Takes larger answers: thousands of vectors of thousands of numbers. */
  readonly embeddings: OpenAiClient;
  /** For everything else. */
  readonly plain: OpenAiClient;
  readonly outbound: Outbound;
  /** Of `outbound` for a call that makes images while the connection waits. */
  readonly imageLimits: CallLimits;
  /** For images whose bytes are sent where the caller gave an address. */
  readonly readImage: ReadImage;
}

/** One vendor; everything else that knows vendors derives from it. */
/** `other`: given by its bytes, and no PDF. `address`: of any kind. */
export type DocumentForm = 'pdf' | 'other' | 'address';

export interface Vendor {
  /** Hosts that are the vendor's own, so that a base URL shows the kind of its provider. */
  readonly ownsHost?: (hostname: string) => boolean;
  /** Names of image models that stand for the vendor where nobody has named a kind. */
  readonly imageModels?: RegExp;
  /** The base whose /models lists what there is, from a provider's base. */
  readonly modelsBase: (urlBase: string) => string;
  /** Headers with which they are listed; unless set, the key as bearer. */
  readonly modelsHeaders?: (apiKey: string) => Record<string, string>;
  /** One server has several bases, and the adapters find each of them from any. */
  readonly severalBases: boolean;
  /** Documents that its chats take; none unless set. */
  readonly documents?: readonly DocumentForm[];
  /** Every request must carry a limit of output tokens. */
  readonly needsLimit?: true;
  /**
   * A chat without what its own interface cannot take, and the names of what was left out. Pure.
   * @throws {AppError} invalidParameter for what would change the answer silently.
   */
  readonly fitChat?: (body: ChatBody) => { readonly body: ChatBody; readonly leftOut: readonly string[] };
  /** The form of its own interface, where that is not OpenAI's chat.completions. */
  readonly ownForm?: NativeForm;
  /** What it offers; at least one. */
  readonly chat?: (clients: VendorClients) => ChatAdapter;
  readonly images?: (clients: VendorClients) => ImageAdapter;
  readonly embeddings?: (clients: VendorClients) => EmbeddingAdapter;
  readonly rerank?: (clients: VendorClients) => RerankAdapter;
  readonly audio?: (clients: VendorClients) => AudioAdapter;
  readonly moderation?: (clients: VendorClients) => ModerationAdapter;
}
