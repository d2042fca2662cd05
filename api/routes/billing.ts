/** Statements: what an account had, got and spent in a month. */
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { formatMoney } from '../../core/ledger/money.ts';
import type { Period, Statement, StatementEntry } from '../../core/ledger/statement.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { optionalText } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { ANSWERED, type Route, route } from '../http/route.ts';
import { isoTime, monthInput, timeOutput } from '../http/times.ts';

const entrySchema = z.object({
  id: z.string(),
  kind: z.enum(['grant', 'top_up', 'refund', 'adjustment', 'chargeback']),
  amount: decimalOutput,
  note: z.string().nullable(),
  createdAt: timeOutput,
});

const chargesSchema = z.object({
  modelId: z.number().nullable(),
  modelIdentifier: z.string(),
  accessKeyId: z.number().nullable(),
  accessKeyName: z.string(),
  calls: z.number(),
  promptTokens: z.number(),
  cachedTokens: z.number(),
  completionTokens: z.number(),
  imageCount: z.number(),
  amount: decimalOutput,
});

const statementSchema = z.object({
  month: z.string(),
  currency: z.string(),
  opening: decimalOutput,
  grants: decimalOutput,
  topUps: decimalOutput,
  adjustments: decimalOutput,
  refunds: decimalOutput,
  chargebacks: decimalOutput,
  charges: decimalOutput,
  closing: decimalOutput.meta({ description: 'opening + all of the above; charges, refunds and chargebacks are < 0.' }),
  entries: z.array(entrySchema),
  chargesByModelAndKey: z.array(chargesSchema),
});

const CSV_COLUMNS = [
  ...['type', 'time', 'id', 'note', 'model', 'accessKeyId', 'accessKey', 'calls', 'promptTokens', 'cachedTokens'],
  ...['completionTokens', 'images', 'amount', 'currency'],
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
      summary: "One's own statement of a month, as JSON or with `format=csv` as a file",
      tag: 'Billing',
      access: 'jwt',
      query: z.object({ month: monthInput(zone), format: optionalText(z.enum(['json', 'csv'])) }),
      success: statementSchema,
      otherAnswers: [{ status: 200, description: 'With format=csv', mediaType: 'text/csv', schema: z.string() }],
      handler: async ({ ctx, caller, query: { month, format } }) => {
        const found = await statement(caller.userId, month);
        if (!found) throw new AppError('notFound', 'you have no account');
        if (format !== 'csv') return answerOf(found, month.month, CURRENCY, zone);
        ctx.body = csvOf(found, CURRENCY, zone);
        ctx.set('Content-Type', 'text/csv; charset=utf-8');
        ctx.set('Content-Disposition', `attachment; filename="statement-${month.month}.csv"`);
        return ANSWERED;
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
function csvOf({ opening, entries, charges, closing }: Statement, currency: string, zone: string): string {
  const lines = [
    { type: 'opening', amount: opening },
    ...entries.map((entry) => ({
      ...{ type: entry.kind, time: isoTime(entry.createdAt, zone), id: entry.id },
      ...{ note: inert(entry.note ?? ''), amount: entry.amount },
    })),
    ...charges.map(({ modelIdentifier, accessKeyName, ...rest }) => ({
      ...rest,
      ...{ type: 'charge', model: inert(modelIdentifier), accessKey: inert(accessKeyName) },
    })),
    { type: 'closing', amount: closing },
  ].map((line) => ({ ...line, amount: formatMoney(line.amount), currency }));
  // With a byte order mark, without which spreadsheets take the text for another character set.
  return stringify(lines, { header: true, columns: CSV_COLUMNS, bom: true });
}

/** A text of somebody that a spreadsheet would take for a formula is kept from being one. */
function inert(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
