/** The audit log of administrative changes. */
import { z } from 'zod';
import type { AuditLog } from '../../core/accounts/audit-log.ts';
import type { Config } from '../../infra/config.ts';
import { idInput, optionalText } from '../http/fields.ts';
import { page, pageOf, pageQuery } from '../http/paging.ts';
import { type Route, route } from '../http/route.ts';
import { isoTime, timeOutput } from '../http/times.ts';

const auditSchema = z
  .object({
    id: z.number().int(),
    actorUserId: z.number().int().nullable(),
    actorName: z.string(),
    action: z.string(),
    targetKind: z.string(),
    targetId: z.string(),
    before: z.unknown(),
    after: z.unknown(),
    traceId: z.string().nullable(),
    createdAt: timeOutput,
  })
  .meta({ id: 'AuditRecord' });

export function auditRoutes(services: { readonly audit: AuditLog }, config: Config): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/audit',
      summary: 'What administrators changed, newest first; secrets are masked',
      tag: 'Audit',
      access: { roles: ['ROLE_ROOT_ADMIN'] },
      query: pageQuery(['id']).extend({
        actorUserId: optionalText(idInput),
        action: optionalText(z.string().max(60)),
        targetKind: optionalText(z.string().max(30)),
        targetId: optionalText(z.string().max(64)),
      }),
      success: pageOf(auditSchema),
      handler: async ({ query }) => {
        const { actorUserId, action, targetKind, targetId, pageNum, pageSize } = query;
        const found = await services.audit.page({ actorUserId, action, targetKind, targetId, pageNum, pageSize });
        const records = found.records.map((record) => ({
          ...record,
          createdAt: isoTime(record.createdAt, config.APP_TIME_ZONE),
        }));
        return page(records, found.total, query);
      },
    }),
  ];
}
