/** The ledger as ROOT looks into it: transfers and holds of an account, and the checks of the whole. */
import { z } from 'zod';
import type { By } from '../../core/accounts/audit-log.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import type {
  AccountView,
  HoldView,
  OwnedHold,
  OwnedTransfer,
  TransferPlace,
  TransferView,
} from '../../core/ledger/account-view.ts';
import type { Reconciliation } from '../../core/ledger/reconcile.ts';
import { HOLD_STATES, OWNERS } from '../../core/ledger/tables/holds.ts';
import { KINDS } from '../../core/ledger/tables/transfers.ts';
import type { UsageStore } from '../../core/usage/usage-store.ts';
import type { Config } from '../../infra/config.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { idInput, idParams, optionalText, traceIdInput, uuidInput } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { cursorPage, cursorPageOf, cursorQuery } from '../http/paging.ts';
import { type Route, route } from '../http/route.ts';
import { by } from '../http/route-input.ts';
import { isoTime, LATEST_MS, timeOutput } from '../http/times.ts';

const TAG = 'Ledger';
const ROOT = { roles: ['ROLE_ROOT_ADMIN'] } as const;

const transferSchema = z.object({
  id: z.string().describe('Id of the transfer: of its call, job, order, adjustment or event'),
  kind: z.enum(KINDS).describe('Why money moved; a loss is a memo of what the platform bears'),
  amount: decimalOutput.describe('What it moved, as the account sees it'),
  holdId: z.string().nullable().describe('The hold that a charge was taken from'),
  accessKeyId: z.number().int().nullable().describe('Id of the access key of a charge'),
  modelId: z.number().int().nullable().describe('Id of the model of a charge'),
  priceId: z.number().int().nullable().describe('Id of the version of the price of a charge'),
  priceRule: z.string().nullable().describe('The rule of the price that was applied; null for none'),
  promptTokens: z.number().describe('Tokens that were sent, cached ones included'),
  cachedTokens: z.number().describe('Sent tokens that the provider had in its cache'),
  completionTokens: z.number().describe('Tokens that were generated'),
  imageCount: z.number().describe('Images that were made'),
  estimated: z.boolean().describe("Whether we counted, because the provider's count was missing or impossible"),
  note: z.string().nullable().describe('The reason, or the number of the order'),
  createdAt: timeOutput.describe('When it was committed'),
});

const holdSchema = z.object({
  id: z.string().describe('Id of the hold: of its call or job'),
  owner: z.enum(OWNERS).describe('What it was taken for; a lease is what a process has set aside for calls'),
  accessKeyId: z.number().int().nullable().describe('Id of the access key'),
  state: z.enum(HOLD_STATES).describe('open holds money; the others are closed'),
  amount: decimalOutput.describe('What was set aside'),
  captured: decimalOutput.describe('What of it was charged'),
  released: decimalOutput.describe('What of it was given back'),
  writerSlot: z.number().int().describe('The process that took it, as its slot in the commit queue'),
  createdAt: timeOutput.describe('When it was taken'),
  expiresAt: timeOutput.describe('When the sweeper gives it back, if nothing else has ended it'),
  closedAt: timeOutput.nullable().describe('When it was charged or given back; null while it is open'),
});

const owner = z.number().int().describe('Whose account it is');
const ownedTransfer = transferSchema.extend({ userId: owner });
const ownedHold = holdSchema.extend({
  userId: owner,
  batchId: z.string().nullable().describe('Id of the batch that it was taken for; null for another'),
});
const transfersShown = z.array(ownedTransfer).describe('Movements of money, oldest first');
const movementsSchema = z.object({
  transfers: transfersShown,
  hold: ownedHold.nullable().describe('What was set aside for it; null for nothing'),
});
const allMovementsSchema = z.object({
  transfers: transfersShown,
  holds: z.array(ownedHold).describe('What was set aside, oldest first'),
  isWhole: z
    .boolean()
    .describe(
      'false: more belongs to it than 200 calls and 200 jobs, batches and refunds, or an id is that of a batch, whose lines are charged as calls of its trace',
    ),
});

const MOST_IDS = 100;
const MOST_CALLS = 200;
/** Of a call, job, order or adjustment, or the longer one of a batch. Its columns are ASCII. */
const MOVED_ID = /^[\x21-\x2b\x2d-\x7e]{1,64}$/;
const NO_ID = 'must be an id';
const movedIdInput = z.string().max(64).regex(MOVED_ID, NO_ID);
const movedIdsInput = z
  .string()
  .max(MOST_IDS * 65)
  .transform((text, context) => {
    const ids = text.split(',');
    // Checked here: what a schema behind it finds at a place of the list is not there in the text that was sent.
    if (ids.length > MOST_IDS) context.addIssue(`must have at most ${MOST_IDS} ids`);
    for (const id of ids) if (!MOVED_ID.test(id)) context.addIssue(`${JSON.stringify(id)} ${NO_ID}`);
    return ids;
  });

const accountSchema = z.object({
  userId: owner,
  available: decimalOutput.describe('Free, and leased to no process'),
  leased: decimalOutput.describe(
    'What processes have set aside for calls and have not spent; the user sees it as free',
  ),
  held: decimalOutput.describe('Reserved by running calls and jobs'),
  debt: decimalOutput.describe('Owed after a chargeback; the next money pays it first'),
  currency: z.string().describe('Currency of the amounts'),
});

const reconciliationFields = {
  startedAt: timeOutput.describe('When it began'),
  finishedAt: timeOutput.describe('When it ended'),
  breaches: z.number().int().describe('How many rows, accounts or days break an invariant'),
  findings: z
    .array(
      z.object({
        name: z.string().describe('The invariant'),
        checked: z.number().int().describe('Rows, accounts or days that were looked at'),
        breaches: z.number().int().describe('How many of them break it'),
        examples: z.array(z.string()).describe('The first few of these'),
        note: z.string().optional().describe('What could not be checked, and why'),
      }),
    )
    .describe('What each invariant came to'),
};
const reconciliationSchema = z.object(reconciliationFields);
const listedReconciliation = z.object({ id: z.number().int().describe('Id of the check'), ...reconciliationFields });

/** Time, kind and id of the last transfer of a page. */
const CURSOR = /^(\d{1,15})\.(\w{1,10})\.([\x21-\x7e]{1,36})$/;
const placeInput = z
  .string()
  .max(64)
  .transform((text, context): TransferPlace => {
    const [, ms, word, id = ''] = CURSOR.exec(text) ?? [];
    const kind = KINDS.find((known) => known === word);
    if (Number(ms) <= LATEST_MS && kind !== undefined) return { at: new Date(Number(ms)), kind, id };
    context.addIssue('must be the `next` of a page');
    return z.NEVER;
  });

export interface AdminLedgerServices {
  readonly userList: Pick<UserList, 'find'>;
  readonly accountView: AccountView;
  readonly usageLog: Pick<UsageStore, 'newest'>;
  readonly reconciliations: (
    before: number | undefined,
    limit: number,
  ) => Promise<(Reconciliation & { readonly id: number })[]>;
  readonly reconcileNow: (by: By) => Promise<Reconciliation>;
}

export function adminLedgerRoutes(
  { userList, accountView, usageLog, reconciliations, reconcileNow }: AdminLedgerServices,
  { APP_TIME_ZONE, CURRENCY: currency }: Pick<Config, 'APP_TIME_ZONE' | 'CURRENCY'>,
): Route[] {
  const time = (date: Date) => isoTime(date, APP_TIME_ZONE);
  const transferAnswer = (one: TransferView) => ({ ...one, amount: money(one.amount), createdAt: time(one.createdAt) });
  const holdAnswer = ({ slot, ...one }: HoldView) => ({
    ...{ ...one, writerSlot: slot },
    ...{ amount: money(one.amount), captured: money(one.captured), released: money(one.released) },
    ...{ createdAt: time(one.createdAt), expiresAt: time(one.expiresAt) },
    closedAt: one.closedAt && time(one.closedAt),
  });
  const ownedTransferAnswer = (one: OwnedTransfer) => ({ ...transferAnswer(one), userId: one.userId });
  const ownedHoldAnswer = (one: OwnedHold) => ({ ...holdAnswer(one), userId: one.userId, batchId: one.batchId });
  const known = async (userId: number) => {
    if ((await userList.find(userId)) === undefined) throw new AppError('notFound', `there is no user ${userId}`);
  };
  const checkAnswer = ({ startedAt, finishedAt, breaches, invariants }: Reconciliation) => ({
    ...{ startedAt: time(startedAt), finishedAt: time(finishedAt), breaches },
    findings: invariants.map((invariant) => ({ ...invariant })),
  });
  return [
    route({
      method: 'get',
      path: '/v1/admin/users/{id}/transfers',
      operationId: 'listTransfers',
      summary: 'Every movement of money of a user, newest first',
      tag: TAG,
      access: ROOT,
      params: idParams('user'),
      query: cursorQuery(placeInput).extend({
        kind: optionalText(z.enum(KINDS)).describe('Only transfers of this kind'),
      }),
      success: cursorPageOf(transferSchema),
      handler: async ({ params, query: { cursor, pageSize, kind } }) => {
        await known(params.id);
        const found = await accountView.transfers({ userId: params.id, kind, before: cursor, limit: pageSize + 1 });
        return cursorPage(found, pageSize, (one) => `${one.createdAt.getTime()}.${one.kind}.${one.id}`, transferAnswer);
      },
    }),
    route({
      method: 'get',
      path: '/v1/admin/users/{id}/holds',
      operationId: 'listHolds',
      summary: 'Money of a user that is set aside, or was, newest first',
      tag: TAG,
      access: ROOT,
      params: idParams('user'),
      query: cursorQuery(uuidInput).extend({
        state: optionalText(z.enum(HOLD_STATES)).describe('Only holds in this state; open by default'),
        owner: optionalText(z.enum(OWNERS)).describe('Only holds of this kind; lease: what processes have set aside'),
      }),
      success: cursorPageOf(holdSchema),
      handler: async ({ params, query: { cursor, pageSize, state = 'open', owner } }) => {
        await known(params.id);
        const found = await accountView.holds({ userId: params.id, state, owner, before: cursor, limit: pageSize + 1 });
        return cursorPage(found, pageSize, ({ id }) => id, holdAnswer);
      },
    }),
    route({
      method: 'get',
      path: '/v1/admin/users/{id}/account',
      operationId: 'getAccount',
      summary: 'What a user has: free, leased to processes, reserved, owed',
      tag: TAG,
      access: ROOT,
      params: idParams('user'),
      success: accountSchema,
      handler: async ({ params: { id } }) => {
        const figures = await accountView.figures(id);
        if (figures === undefined) throw new AppError('notFound', `there is no user ${id}`);
        const { available, leased, held, debt } = figures;
        const amounts = { available: money(available), leased: money(leased), held: money(held), debt: money(debt) };
        return { userId: id, ...amounts, currency };
      },
    }),
    route({
      method: 'get',
      path: '/v1/admin/transfers',
      operationId: 'findMovements',
      summary: 'Every movement of money of a trace or of some ids, and what was held for them',
      tag: TAG,
      access: ROOT,
      query: z.object({
        ids: optionalText(movedIdsInput).describe(
          `Ids of calls, jobs, orders, adjustments or batches, with commas between; at most ${MOST_IDS}`,
        ),
        traceId: optionalText(traceIdInput).describe('Of all calls, jobs and batches of this trace, also'),
      }),
      success: allMovementsSchema,
      handler: async ({ query: { ids = [], traceId } }) => {
        if (ids.length === 0 && traceId === undefined) {
          throw invalid([{ path: 'ids', message: 'ids or traceId is required' }], 'missingParameter');
        }
        const calls = traceId === undefined ? [] : await usageLog.newest({ traceId }, MOST_CALLS + 1);
        const ofCalls = calls.slice(0, MOST_CALLS).map(({ requestId }) => requestId);
        const { transfers, holds, isWhole } = await accountView.movements([...ids, ...ofCalls], traceId);
        return {
          transfers: transfers.map(ownedTransferAnswer),
          holds: holds.map(ownedHoldAnswer),
          isWhole: isWhole && calls.length <= MOST_CALLS && !holds.some(({ batchId }) => ids.includes(batchId ?? '')),
        };
      },
    }),
    route({
      method: 'get',
      path: '/v1/admin/transfers/{id}',
      operationId: 'getMovements',
      summary: 'Every movement of money of one call, job, order or adjustment, and what was held for it',
      description: 'Of a batch what was held for it: its lines are charged as calls of its trace.',
      tag: TAG,
      access: ROOT,
      params: z.object({ id: movedIdInput.describe('Id of the call, job, order, adjustment or batch') }),
      success: movementsSchema,
      handler: async ({ params: { id } }) => {
        const { transfers, holds } = await accountView.movements([id]);
        const [hold] = holds;
        if (transfers.length === 0 && hold === undefined)
          throw new AppError('notFound', 'no money has moved under this id');
        return {
          transfers: transfers.map(ownedTransferAnswer),
          hold: hold === undefined ? null : ownedHoldAnswer(hold),
        };
      },
    }),
    route({
      method: 'get',
      path: '/v1/admin/reconciliations',
      operationId: 'listReconciliations',
      summary: 'Checks of the ledger with what they found, newest first; one runs every night',
      tag: TAG,
      access: ROOT,
      query: cursorQuery(idInput),
      success: cursorPageOf(listedReconciliation),
      handler: async ({ query: { cursor, pageSize } }) => {
        const found = await reconciliations(cursor, pageSize + 1);
        return cursorPage(
          found,
          pageSize,
          ({ id }) => id,
          (one) => ({ id: one.id, ...checkAnswer(one) }),
        );
      },
    }),
    route({
      method: 'post',
      path: '/v1/admin/reconciliations',
      operationId: 'reconcileNow',
      summary: 'Check the ledger now; answers when it is done, which takes seconds for a million transfers',
      tag: TAG,
      access: ROOT,
      success: reconciliationSchema,
      handler: async (input) => checkAnswer(await reconcileNow(by(input))),
    }),
  ];
}
