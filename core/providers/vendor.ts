/** What a vendor says of itself; everything else that knows vendors derives from it. */
import type { CallLimits, Outbound } from '../../infra/outbound.ts';
import type { ReadPicture } from '../images/picture-reader.ts';
import type { OpenAiClient } from './openai/client.ts';
import type { ChatAdapter, ImageAdapter } from './provider.ts';

/** What adapters call with. */
export interface VendorClients {
  readonly chat: OpenAiClient;
  /** Waits longer for the first byte: pictures are made before an answer begins. */
  readonly images: OpenAiClient;
  readonly outbound: Outbound;
  /** Of `outbound` for a call that makes pictures while the connection waits. */
  readonly imageLimits: CallLimits;
  /** For pictures whose bytes are sent where the caller gave an address. */
  readonly readPicture: ReadPicture;
}

export interface Vendor {
  /** Hosts that are the vendor's own, so that a base URL tells the kind of its provider. */
  readonly ownsHost?: (hostname: string) => boolean;
  /** Names of image models that stand for the vendor where nobody has named a kind. */
  readonly imageModels?: RegExp;
  /** The base whose /models lists what there is, from a provider's base. */
  readonly modelsBase: (urlBase: string) => string;
  /** One server has several bases, and the adapters find each of them from any. */
  readonly severalBases: boolean;
  /** What it offers; at least one. */
  readonly chat?: (clients: VendorClients) => ChatAdapter;
  readonly images?: (clients: VendorClients) => ImageAdapter;
}
