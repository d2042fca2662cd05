/** All vendors: the one place that knows each of them. A new one is a word in PROVIDER_KINDS, a folder and a line here. */
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { type CallLimits, type Outbound, type Send, sendWithin } from '../../infra/outbound.ts';
import type { ReadImage } from '../images/image-reader.ts';
import { anthropic } from './anthropic/index.ts';
import { createMessagesAdapter } from './anthropic/messages.ts';
import { ark } from './ark/index.ts';
import { dashscope } from './dashscope/index.ts';
import type { NativeAdapter } from './native.ts';
import { isAskedAsResponse, type ModelNeeds } from './needs.ts';
import { createOpenAiClient, type OpenAiClient } from './openai/client.ts';
import { openai } from './openai/index.ts';
import { createNativeResponses } from './openai/native-responses.ts';
import {
  type AudioAdapter,
  type ChatAdapter,
  type ChatBody,
  type DocumentForm,
  type EmbeddingAdapter,
  type ImageAdapter,
  type ModerationAdapter,
  type NativeForm,
  PROVIDER_KINDS,
  type ProviderKind,
  type RerankAdapter,
  type Vendor,
  type VendorClients,
} from './provider.ts';

export const VENDORS: Readonly<Record<ProviderKind, Vendor>> = { openai, dashscope, ark, anthropic };

export interface Adapters {
  readonly chat: Readonly<Record<ProviderKind, ChatAdapter>>;
  readonly image: Readonly<Record<ProviderKind, ImageAdapter>>;
  readonly embedding: Readonly<Record<ProviderKind, EmbeddingAdapter>>;
  /** For models that speak the form (`speaks`), whichever kind their provider is. */
  readonly native: Readonly<Record<NativeForm, NativeAdapter>>;
  readonly rerank: Readonly<Record<ProviderKind, RerankAdapter>>;
  readonly audio: Readonly<Record<ProviderKind, AudioAdapter>>;
  readonly moderation: Readonly<Record<ProviderKind, ModerationAdapter>>;
}

export interface AdapterDeps {
  readonly outbound: Outbound;
  readonly readImage: ReadImage;
  readonly config: Pick<Config, 'UPSTREAM_TOTAL_TIMEOUT' | 'UPSTREAM_FIRST_BYTE_TIMEOUT' | 'UPSTREAM_IDLE_TIMEOUT'>;
}

/** Ten large images as base64. */
const MAX_IMAGE_ANSWER_BYTES = 128 * 1024 * 1024;
/** Of vectors as text, which are few: many are asked for in base64 and read as a stream. */
const MAX_EMBEDDING_ANSWER_BYTES = 48 * 1024 * 1024;

/** The kind whose own host a base URL has; undefined for hosts of others. */
export function kindOfHost(urlBase: string): ProviderKind | undefined {
  const { hostname } = new URL(urlBase);
  return PROVIDER_KINDS.find((kind) => VENDORS[kind].ownsHost?.(hostname));
}

/** The kind that an image model's name stands for; undefined for names of no known family. */
export function kindOfImageModel(modelIdentifier: string): ProviderKind | undefined {
  // Names with an owner before a slash are those of resellers, whose interface is OpenAI's.
  if (modelIdentifier.includes('/')) return undefined;
  return PROVIDER_KINDS.find((kind) => VENDORS[kind].imageModels?.test(modelIdentifier));
}

/** Whether a model can be asked in this form, so that requests and answers pass as they are. */
export function speaks(form: NativeForm, { kind, needs }: { kind: ProviderKind; needs: ModelNeeds }): boolean {
  if (form === 'responses') return kind === 'openai' && (needs.chatInterface ?? 'completions') !== 'completions';
  return VENDORS[kind].ownForm === form || typeof needs.messagesPath === 'string';
}

/** Whether a chat may show the model such a document. OpenAI takes addresses only in /responses. */
export function takesDocument(
  form: DocumentForm,
  { kind, needs }: { kind: ProviderKind; needs: ModelNeeds },
  chat: ChatBody,
): boolean {
  if (VENDORS[kind].documents?.includes(form)) return true;
  return form === 'address' && kind === 'openai' && isAskedAsResponse(needs, chat);
}

/** The adapters of all kinds; what a vendor does not offer is refused as `modelIncapable`. */
export function createAdapters({ outbound, readImage, config }: AdapterDeps): Adapters {
  const limits = {
    totalMs: config.UPSTREAM_TOTAL_TIMEOUT,
    firstByteMs: config.UPSTREAM_FIRST_BYTE_TIMEOUT,
    idleMs: config.UPSTREAM_IDLE_TIMEOUT,
  };
  // Images are made before the answer begins, so its first byte may take as long as all of it.
  const imageLimits = { ...limits, firstByteMs: limits.totalMs, maxBytes: MAX_IMAGE_ANSWER_BYTES };
  const send = patientSends(outbound, limits);
  const clients: VendorClients = {
    chat: clientsOver(send),
    send,
    plain: createOpenAiClient(sendWithin(outbound, limits)),
    images: createOpenAiClient(sendWithin(outbound, imageLimits)),
    embeddings: createOpenAiClient(sendWithin(outbound, { ...limits, maxBytes: MAX_EMBEDDING_ANSWER_BYTES })),
    ...{ outbound, imageLimits, readImage },
  };
  return {
    chat: ofEachKind((kind) => VENDORS[kind].chat?.(clients) ?? noChat(kind)),
    image: ofEachKind((kind) => {
      const images = VENDORS[kind].images?.(clients);
      return images ? withAskedImages(images) : noImages(kind);
    }),
    embedding: ofEachKind((kind) => VENDORS[kind].embeddings?.(clients) ?? noEmbeddings(kind)),
    native: { messages: createMessagesAdapter(clients.send), responses: createNativeResponses(clients.chat) },
    rerank: ofEachKind((kind) => VENDORS[kind].rerank?.(clients) ?? noRerank(kind)),
    audio: ofEachKind((kind) => VENDORS[kind].audio?.(clients) ?? noAudio(kind)),
    moderation: ofEachKind((kind) => VENDORS[kind].moderation?.(clients) ?? noModeration(kind)),
  };
}

/** One for each patience that models ask for; there are few. Silent thought takes no time from the answer. */
function patientSends(outbound: Outbound, limits: CallLimits): VendorClients['send'] {
  const usual = sendWithin(outbound, limits);
  const patient = new Map<number, Send>();
  return ({ patienceMs }) => {
    if (patienceMs === undefined) return usual;
    const known = patient.get(patienceMs);
    if (known) return known;
    const totalMs = limits.totalMs + patienceMs;
    const send = sendWithin(outbound, { ...limits, totalMs, firstByteMs: patienceMs, idleMs: patienceMs });
    patient.set(patienceMs, send);
    return send;
  };
}

function clientsOver(sendFor: VendorClients['send']): VendorClients['chat'] {
  const clients = new Map<Send, OpenAiClient>();
  return (target) => {
    const send = sendFor(target);
    const client = clients.get(send) ?? createOpenAiClient(send);
    clients.set(send, client);
    return client;
  };
}

function ofEachKind<Value>(make: (kind: ProviderKind) => Value): Record<ProviderKind, Value> {
  return { openai: make('openai'), dashscope: make('dashscope'), ark: make('ark'), anthropic: make('anthropic') };
}

/** What a provider delivers beyond what was asked is not paid for, and not given on. */
function withAskedImages(adapter: ImageAdapter): ImageAdapter {
  return {
    generate: async (target, request, tasks, context) => {
      const answer = await adapter.generate(target, request, tasks, context);
      return { ...answer, images: answer.images.slice(0, request.n) };
    },
  };
}

function noChat(kind: ProviderKind): ChatAdapter {
  const refuse = () => Promise.reject(notOffered(kind, 'chat'));
  return { complete: refuse, stream: refuse };
}

function noImages(kind: ProviderKind): ImageAdapter {
  return { generate: () => Promise.reject(notOffered(kind, 'images')) };
}

function noEmbeddings(kind: ProviderKind): EmbeddingAdapter {
  return { embed: () => Promise.reject(notOffered(kind, 'embeddings')) };
}

function noRerank(kind: ProviderKind): RerankAdapter {
  return { rerank: () => Promise.reject(notOffered(kind, 'reranking')) };
}

function noAudio(kind: ProviderKind): AudioAdapter {
  const refuse = () => Promise.reject(notOffered(kind, 'speech'));
  return { speak: refuse, transcribe: refuse };
}

function noModeration(kind: ProviderKind): ModerationAdapter {
  return { moderate: () => Promise.reject(notOffered(kind, 'moderations')) };
}

function notOffered(kind: ProviderKind, operation: string): AppError {
  return new AppError('modelIncapable', `providers of kind ${kind} offer no ${operation}`);
}
