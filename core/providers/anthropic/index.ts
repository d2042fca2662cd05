/** Anthropic: the Messages interface (docs/providers.md). */
import type { Vendor } from '../provider.ts';
import { createAnthropicChat } from './chat.ts';
import { baseOf, VERSION } from './client.ts';
import { fitForMessages } from './fit.ts';

export const anthropic: Vendor = {
  ownsHost: (hostname) => hostname === 'api.anthropic.com',
  modelsBase: (urlBase) => `${baseOf(urlBase)}/v1`,
  modelsHeaders: (apiKey) => ({ 'x-api-key': apiKey, 'anthropic-version': VERSION }),
  severalBases: false,
  documents: ['pdf', 'address'],
  needsLimit: true,
  fitChat: fitForMessages,
  ownForm: 'messages',
  chat: ({ send }) => createAnthropicChat(send),
};
