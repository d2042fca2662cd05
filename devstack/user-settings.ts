/** What the user of `npm start` has set. Each value is followed, refused, or said to have no effect. */
import { environmentSchema } from '../infra/config/settings.ts';
import { COMPOSE_SETTINGS } from '../infra/config.ts';
import { dotEnvVariables, shellVariables, type Variables } from './environment.ts';

export interface UserSettings {
  /** The product's settings that the user has set. */
  readonly values: Variables;
  /** Names of .env that nothing reads. */
  readonly unknown: readonly string[];
  /** `PORT (.env)`: a setting with where its value comes from; the name alone where it is not set. */
  named(name: string): string;
}

/** Names in .env for other readers: Compose itself, and the vendors' keys that `npm run provider` reads. */
const FOR_OTHERS = /^(COMPOSE_\w+|\w+_API_KEY)$/;

/** The environment, then .env for what it does not set. A variable that is set but empty means the default. */
export function userSettings(
  checkout: string,
  shell: Variables = shellVariables(),
  dotEnv: Variables = dotEnvVariables(checkout),
): UserSettings {
  const known = (name: string) => name in environmentSchema.shape;
  const values = Object.fromEntries(
    Object.entries({ ...dotEnv, ...shell }).filter(([name, value]) => known(name) && value !== ''),
  );
  const unknown = Object.keys(dotEnv).filter(
    (name) => !known(name) && !COMPOSE_SETTINGS.includes(name) && !FOR_OTHERS.test(name),
  );
  const origin = (name: string) => (name in shell ? ' (environment)' : name in dotEnv ? ' (.env)' : '');
  return { values, unknown, named: (name) => `${name}${origin(name)}` };
}

/** A setting with which `npm start` cannot do what it says. */
export class SettingRefused extends Error {
  override readonly name = 'SettingRefused';
}

/** @throws {SettingRefused} */
export function refuseProduction({ values, named }: UserSettings): void {
  if (values.NODE_ENV !== 'production') return;
  throw new SettingRefused(
    `${named('NODE_ENV')} is production, and npm start is for one machine: its provider is simulated, its servers are\n` +
      'set for development. docs/deployment.md says how to run in production. To start here: NODE_ENV= npm start',
  );
}
