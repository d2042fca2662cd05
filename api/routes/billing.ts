/** Statements: what an account had, got and spent in a month. */
import { z } from 'zod';
import { formatMoney } from '../../core/ledger/money.ts';
import type { Period, Statement, StatementEntry } from '../../core/ledger/statement.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { inert, sendCsv } from '../http/csv.ts';
import { optionalText } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { isoTime, monthInput, timeOutput } from '../http/times.ts';

const entrySchema = z.object({
  id: z.string().describe('Id of the entry'),
  kind: z.enum(['grant', 'top_up', 'refund', 'adjustment', 'chargeback']).describe('Why money moved'),
  amount: decimalOutput.describe('What it moved; negative when money was taken'),
  note: z.string().nullable().describe('The reason, or the number of the order'),
  createdAt: timeOutput.describe('When it moved'),
});

const chargesSchema = z.object({
  modelId: z.number().nullable().describe('Id of the model; null for one from before ids were kept'),
  modelIdentifier: z.string().describe('The name that callers use for the model'),
  priceRule: z.string().nullable().describe('The rule of its price that was applied; null for none'),
  accessKeyId: z.number().nullable().describe('Id of the access key'),
  accessKeyName: z.string().describe('Name of the access key'),
  calls: z.number().describe('Charged calls'),
  promptTokens: z.number().describe('Tokens that were sent, cached ones included'),
  cachedTokens: z.number().describe('Sent tokens that the provider had in its cache'),
  completionTokens: z.number().describe('Tokens that were generated'),
  imageCount: z.number().describe('Images that were made'),
  characters: z.number().describe('Characters that were spoken'),
  audioSeconds: z.number().describe('Seconds of speech that was written down'),
  amount: decimalOutput.describe('What they cost together; negative'),
});

const statementSchema = z.object({
  month: z.string().describe('The month, yyyy-MM'),
  currency: z.string().describe('Currency of all amounts'),
  opening: decimalOutput.describe('The balance at the first instant of the month'),
  grants: decimalOutput.describe('Opening balances that were given'),
  topUps: decimalOutput.describe('Paid orders'),
  adjustments: decimalOutput.describe('Changes by an administrator'),
  refunds: decimalOutput.describe('Orders that were paid back; negative'),
  chargebacks: decimalOutput.describe('Payments that were taken back; negative'),
  charges: decimalOutput.describe('Calls and jobs; negative'),
  closing: decimalOutput.describe('The balance at the end of the month: opening plus all of the above'),
  entries: z.array(entrySchema).describe('Everything but charges, one by one'),
  chargesByModelAndKey: z.array(chargesSchema).describe('Charges, one line for a model and access key'),
});

const CSV_COLUMNS = [
  ...['type', 'time', 'id', 'note', 'model', 'accessKeyId', 'accessKey', 'calls', 'promptTokens', 'cachedTokens'],
  ...['completionTokens', 'images', 'amount', 'currency', 'priceRule', 'characters', 'audioSeconds'],
];

export interface BillingServices {
  /** @returns undefined when the user has no account. */
  readonly statement: (userId: number, period: Period) => Promise<Statement | undefined>;
}

export function billingRoutes(
  { statement }: BillingServices,
  { APP_TIME_ZONE: zone, CURRENCY }: Pick<Config, 'APP_TIME_ZONE' | 'CURRENCY'>,
): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/billing/statement',
      operationId: 'getStatement',
      summary: "One's own statement of a month, as JSON or with `format=csv` as a file",
      tag: 'Billing',
      access: 'jwt',
      query: z.object({
        month: monthInput(zone).describe('The month, yyyy-MM'),
        format: optionalText(z.enum(['json', 'csv'])).describe('json by default'),
      }),
      success: statementSchema,
      otherAnswers: [{ status: 200, description: 'With format=csv', mediaType: 'text/csv', schema: z.string() }],
      handler: async ({ ctx, caller, query: { month, format } }) => {
        const found = await statement(caller.userId, month);
        if (!found) throw new AppError('notFound', 'you have no account');
        if (format !== 'csv') return answerOf(found, month.month, CURRENCY, zone);
        return sendCsv(ctx, `statement-${month.month}`, CSV_COLUMNS, linesOf(found, CURRENCY, zone));
      },
    }),
  ];
}

function answerOf(
  statement: Statement,
  month: string,
  currency: string,
  zone: string,
): z.input<typeof statementSchema> {
  const { opening, entries, charges, closing } = statement;
  const total = (kind: StatementEntry['kind']) =>
    money(entries.filter((entry) => entry.kind === kind).reduce((sum, { amount }) => sum + amount, 0n));
  return {
    month,
    currency,
    opening: money(opening),
    grants: total('grant'),
    topUps: total('top_up'),
    adjustments: total('adjustment'),
    refunds: total('refund'),
    chargebacks: total('chargeback'),
    charges: money(charges.reduce((sum, { amount }) => sum + amount, 0n)),
    closing: money(closing),
    entries: entries.map((entry) => ({
      ...entry,
      amount: money(entry.amount),
      createdAt: isoTime(entry.createdAt, zone),
    })),
    chargesByModelAndKey: charges.map(({ images, amount, ...rest }) => ({
      ...rest,
      imageCount: images,
      amount: money(amount),
    })),
  };
}

/** One line each for the opening, the entries, the charges of a model and key, and the closing. */
function linesOf({ opening, entries, charges, closing }: Statement, currency: string, zone: string) {
  return [
    { type: 'opening', amount: opening },
    ...entries.map((entry) => ({
      ...{ type: entry.kind, time: isoTime(entry.createdAt, zone), id: entry.id },
      ...{ note: inert(entry.note ?? ''), amount: entry.amount },
    })),
    ...charges.map(({ modelIdentifier, accessKeyName, priceRule, ...rest }) => ({
      ...rest,
      priceRule: inert(priceRule ?? ''),
      ...{ type: 'charge', model: inert(modelIdentifier), accessKey: inert(accessKeyName) },
    })),
    { type: 'closing', amount: closing },
  ].map((line) => ({ ...line, amount: formatMoney(line.amount), currency }));
}
