/** The settings in force, for ROOT to read; they are changed in the environment. */
import { z } from 'zod';
import { type Config, givenSettings } from '../../infra/config.ts';
import { settingsInForce } from '../../infra/config-reference.ts';
import { type Route, route } from '../http/route.ts';

const settingSchema = z
  .object({
    name: z.string().describe('The variable of the environment'),
    value: z.string().nullable().describe('What is in force, as it would be written; null for a secret'),
    source: z.enum(['default', 'set']).describe('Whether it was set'),
    isSecret: z.boolean().describe('Whether its value is never shown'),
  })
  .meta({ id: 'Setting' });

export function adminSettingRoutes(config: Config): Route[] {
  // A process reads its environment once, at its start.
  const settings = settingsInForce(config, givenSettings());
  return [
    route({
      method: 'get',
      path: '/v1/admin/settings',
      operationId: 'listSettings',
      summary: 'The settings in force of the API, without secrets',
      tag: 'Service',
      access: { roles: ['ROLE_ROOT_ADMIN'] },
      success: z.array(settingSchema),
      handler: () => settings,
    }),
  ];
}
