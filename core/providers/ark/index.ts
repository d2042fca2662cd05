/** Volcengine's Ark (docs/providers.md): OpenAI's interface with an accent, images with fields of its own, its error codes. */
import { classifier } from '../failure.ts';
import { createChatAdapter } from '../openai/chat.ts';
import { createEmbeddingAdapter } from '../openai/embeddings.ts';
import type { Vendor } from '../provider.ts';
import { createArkImages } from './images.ts';

const HOST = /^ark\.[a-z0-9-]+\.(volces|bytepluses)\.com$/;
const asItIs = (urlBase: string): string => urlBase;

export const ark: Vendor = {
  ownsHost: (hostname) => HOST.test(hostname),
  imageModels: /^(seed|doubao)/i,
  modelsBase: asItIs,
  severalBases: false,
  chat: ({ chat }) => createChatAdapter(chat, { base: asItIs, classify: classifyArk }),
  images: ({ images }) => createArkImages(images, classifyArk),
  embeddings: ({ embeddings }) => createEmbeddingAdapter(embeddings, { base: asItIs, classify: classifyArk }),
};

const QUEUE_FULL = /queue/i;

export const classifyArk = classifier([
  { code: /sensitivecontentdetected|riskdetection/, failure: 'content' },
  { code: /^(authenticationerror|invalidaccountstatus|accountoverdueerror|invalidsubscription)$/, failure: 'account' },
  { code: /^(operationdenied|accessdenied|modelnotopen|setlimitexceeded)/, failure: 'account' },
  // One code for too many waiting tasks, which pass, and for a trial that is used up.
  { code: /^quotaexceeded/, message: QUEUE_FULL, failure: 'rate' },
  { code: /^quotaexceeded/, failure: 'account' },
  { code: /^(invalidendpoint|unsupportedmodel|pathnotfound)/, failure: 'model' },
  { code: /ratelimitexceeded|^(inflightbatchsizeexceeded|serveroverloaded|requestbursttoofast)/, failure: 'rate' },
  {
    code: /^(missingparameter|invalidparameter|invalidargumenterror|invalidimageurl|outofcontext)/,
    failure: 'bad-request',
  },
  { code: /^internalserviceerror/, failure: 'transient' },
]);
