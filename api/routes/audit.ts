/** The audit log of administrative changes. */
import { z } from 'zod';
import type { AuditLog, AuditRecord } from '../../core/accounts/audit-log.ts';
import type { Config } from '../../infra/config.ts';
import { idInput, integerInput, optionalText, traceIdInput } from '../http/fields.ts';
import { longListQuery, longPage, longPageOf } from '../http/paging.ts';
import { type Route, route } from '../http/route.ts';
import { addDays, dayInput, isoTime, startOfDay, timeOutput } from '../http/times.ts';

const auditIdInput = integerInput.pipe(z.number().int().min(1));
const auditSchema = z
  .object({
    id: z.number().int().describe('Id of the record'),
    actorUserId: z.number().int().nullable().describe('Id of who changed it; null for the operator’s command line'),
    actorName: z.string().describe('Name of who changed it'),
    action: z.string().describe('What was done: users.create, models.update …'),
    targetKind: z.string().describe('What kind of thing was changed: user, model, order …'),
    targetId: z.string().describe('Id of what was changed'),
    before: z.unknown().describe('Its fields before, without secrets; null when it was created'),
    after: z.unknown().describe('Its fields after, without secrets; null when it was deleted'),
    traceId: z.string().nullable().describe('Trace id of the request that changed it'),
    createdAt: timeOutput.describe('When it was changed'),
  })
  .meta({ id: 'AuditRecord' });

export function auditRoutes(services: { readonly audit: AuditLog }, config: Config): Route[] {
  const zone = config.APP_TIME_ZONE;
  return [
    route({
      method: 'get',
      path: '/v1/audit',
      operationId: 'listAuditRecords',
      summary: 'What administrators changed, newest first; secrets are masked',
      tag: 'Audit',
      access: { roles: ['ROLE_ROOT_ADMIN'] },
      query: longListQuery(['id'], auditIdInput).extend({
        actorUserId: optionalText(idInput).describe('Only changes by this user'),
        action: optionalText(z.string().max(60)).describe('Only this action'),
        targetKind: optionalText(z.string().max(30)).describe('Only changes of this kind of thing'),
        targetId: optionalText(z.string().max(64)).describe('Only changes of the thing with this id'),
        traceId: optionalText(traceIdInput).describe('Only changes of the request with this trace id'),
        startDate: optionalText(dayInput(zone)).describe('Only changes on this day or later'),
        endDate: optionalText(dayInput(zone)).describe('Only changes on this day or earlier'),
      }),
      success: longPageOf(auditSchema),
      handler: async ({ query }) => {
        const { sortBy: _, sortOrder: _order, startDate, endDate, ...filter } = query;
        const found = await services.audit.page({
          ...filter,
          from: startDate === undefined ? undefined : startOfDay(startDate, zone),
          until: endDate === undefined ? undefined : startOfDay(addDays(endDate, 1), zone),
        });
        const answerOf = (record: AuditRecord) => ({ ...record, createdAt: isoTime(record.createdAt, zone) });
        return longPage(found, query, ({ id }) => id, answerOf);
      },
    }),
  ];
}
