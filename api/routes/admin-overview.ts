/** The first look of an administrator: live jobs, and the money of all accounts by day. */
import { z } from 'zod';
import type { ReadAdminOverview } from '../../activities/admin-overview.ts';
import { KINDS } from '../../core/ledger/tables/transfers.ts';
import { localDay } from '../../infra/calendar.ts';
import type { Config } from '../../infra/config.ts';
import { integerInput, optionalText } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { addDays, startOfDay } from '../http/times.ts';

const DAYS = 7;
const MOST_DAYS = 31;

export function adminOverviewRoutes(
  { adminOverview }: { readonly adminOverview: ReadAdminOverview },
  { APP_TIME_ZONE: zone }: Pick<Config, 'APP_TIME_ZONE'>,
): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/admin/overview',
      operationId: 'getAdminOverview',
      summary: 'Live jobs and the money of all accounts at this moment, and what came and went by day',
      tag: 'Statistics',
      access: { roles: ['ROLE_ROOT_ADMIN'] },
      query: z.object({
        days: optionalText(integerInput.pipe(z.number().int().min(1).max(MOST_DAYS))).describe(
          `How many days of movements, today included; ${DAYS} by default`,
        ),
      }),
      success: z.object({
        jobs: z
          .object({
            pending: z.number().int().describe('Jobs that wait'),
            processing: z.number().int().describe('Jobs that a worker has'),
          })
          .describe('Jobs that have not ended'),
        balances: z
          .object({
            available: decimalOutput.describe('Free to spend'),
            held: decimalOutput.describe('Set aside for calls and jobs'),
            debt: decimalOutput.describe('What chargebacks could not find'),
          })
          .describe('Sums over all accounts'),
        movements: z
          .array(
            z.object({
              date: z.string().describe('The day, yyyy-MM-dd'),
              kind: z.enum(KINDS).describe('Why money moved; a loss is a memo of what the platform bears'),
              transfers: z.number().int().describe('How often'),
              amount: decimalOutput.describe('What it came to, as the accounts see it'),
            }),
          )
          .describe('By day and kind; a kind that did not happen on a day is left out'),
      }),
      handler: async ({ query: { days = DAYS } }) => {
        const today = localDay(Date.now(), zone);
        const from = startOfDay(addDays(today, 1 - days), zone);
        const { jobs, balances, movements } = await adminOverview(from, startOfDay(addDays(today, 1), zone));
        const { available, held, debt } = balances;
        return {
          jobs,
          balances: { available: money(available), held: money(held), debt: money(debt) },
          movements: movements.map(({ day, amount, ...rest }) => ({ date: day, ...rest, amount: money(amount) })),
        };
      },
    }),
  ];
}
