/**
 * `npm run doctor`: looks at the settings, at every server and at the collector of traces, and says in plain words what
 * to do. Changes nothing. Ends with 1 when something is bad. Looks at the installation of `npm start` unless the
 * environment or .env names servers of its own; in the image: `node infra/doctor/main.ts`.
 */
import { join, resolve } from 'node:path';
import type { Config } from '../config.ts';
import { dotEnvVariables, shellVariables, type Variables } from '../local/environment.ts';
import { localSecrets, secretSettings } from '../local/secrets.ts';
import { readStackState } from '../local/stack-state.ts';
import { lookAtCollector } from './collector.ts';
import { lookAtMongo, lookAtRedis, lookAtStorage, lookAtTemporal } from './dependencies.ts';
import type { Finding } from './finding.ts';
import { lookAtMysql } from './mysql.ts';
import { lookAtSettings } from './settings.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const LOCAL_DATA = join(CHECKOUT, '.local/start');
const SIGNS = { good: '✔', warning: '!', bad: '✖' };

/** The settings of `npm start`, where it has run here; under them what shell and .env say. */
function settings(): Variables {
  const user = { ...shellVariables(), ...dotEnvVariables(CHECKOUT) };
  const parts = Object.values(readStackState(LOCAL_DATA).parts);
  if (user.DB_HOST !== undefined || parts.length === 0) return user;
  const servers: Variables = Object.assign({}, ...parts.map((part) => part.settings));
  return { ...secretSettings(localSecrets(LOCAL_DATA)), ...user, ...servers };
}

async function lookAtAll(config: Config): Promise<Finding[]> {
  const looks = [lookAtMysql, lookAtRedis, lookAtMongo, lookAtTemporal, lookAtStorage, lookAtCollector];
  return (await Promise.all(looks.map((lookAt) => lookAt(config)))).flat();
}

function say(findings: readonly Finding[]): void {
  for (const { part, state, text, advice } of findings) {
    console.log(`${SIGNS[state]} ${part.padEnd(9)} ${text}`);
    if (advice !== undefined) console.log(`            → ${advice}`);
  }
}

const { findings, config } = lookAtSettings(settings());
say(findings);
const more = config ? await lookAtAll(config) : [];
say(more);
const all = [...findings, ...more];
const bad = all.filter(({ state }) => state === 'bad').length;
const warnings = all.filter(({ state }) => state === 'warning').length;
console.log(bad + warnings === 0 ? '\nAll is well.' : `\n${bad} to put right, ${warnings} to look at.`);
process.exitCode = bad > 0 ? 1 : 0;
