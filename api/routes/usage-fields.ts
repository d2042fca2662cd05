/** Sums of calls, as several routes answer them. */
import { z } from 'zod';
import { maskedAccessKey } from '../../core/accounts/access-key.ts';
import type { UsageSum } from '../../core/usage/statistics.ts';
import { decimalOutput, money } from '../http/money.ts';

export const CALL_SUMS = {
  promptTokens: z.number().describe('Tokens that were sent, cached ones included'),
  completionTokens: z.number().describe('Tokens that were generated'),
  imageCount: z.number().describe('Images that were made'),
  cost: decimalOutput.describe('What was charged'),
};

export const CHARGE_SUMS = {
  requests: z.number().describe('Charged calls'),
  cachedTokens: z.number().describe('Sent tokens that the provider had in its cache'),
  ...CALL_SUMS,
};

export const usageSum = z.object({
  date: z.string().optional().describe('The day, yyyy-MM-dd, when grouped by day'),
  modelId: z.number().optional().describe('Id of the model, when grouped by model'),
  modelIdentifier: z.string().optional().describe('The name that callers use for it, when grouped by model'),
  accessKeyId: z.number().nullable().optional().describe('Id of the access key, when grouped by it'),
  accessKeyName: z.string().optional().describe('Its name, when grouped by it'),
  accessKeyMask: z
    .string()
    .nullable()
    .optional()
    .describe('Its beginning and end, when grouped by it; null for calls without a key'),
  userId: z.number().optional().describe('Id of the user, when grouped by user or access key'),
  username: z.string().optional().describe('Its name, when grouped by user or access key'),
  providerId: z.number().nullable().optional().describe('Id of the provider, when grouped by it; null for unknown'),
  providerName: z.string().optional().describe('Its name, when grouped by it; empty for one that was deleted'),
  tag: z.string().optional().describe('The tag of the access key, when grouped by it; empty without one'),
  ...CHARGE_SUMS,
});

export function usageAnswer({ day, images, cost, accessKeyEnds, ...rest }: UsageSum): z.input<typeof usageSum> {
  return {
    ...(day === undefined ? {} : { date: day }),
    ...rest,
    ...maskOf(accessKeyEnds),
    ...{ imageCount: images, cost: money(cost) },
  };
}

/** Nothing where it was not grouped by access key. */
export function maskOf(ends: UsageSum['accessKeyEnds']): { accessKeyMask?: string | null } {
  if (ends === undefined) return {};
  return { accessKeyMask: ends && maskedAccessKey(ends.publicPart, ends.lastFour) };
}
