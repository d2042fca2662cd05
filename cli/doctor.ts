/** Looks at the settings, at every server and at the collector of traces, and says in plain words what to do. */
import type { Config } from '../infra/config.ts';
import { expectNoWords, runCommand } from './command.ts';
import { lookAtCollector } from './doctor/collector.ts';
import { lookAtMongo, lookAtRedis, lookAtStorage } from './doctor/dependencies.ts';
import type { Finding } from './doctor/finding.ts';
import { lookAtMysql } from './doctor/mysql.ts';
import { lookAtSettings } from './doctor/settings.ts';
import { lookAtTemporal } from './doctor/temporal.ts';

const SIGNS = { good: '✔', warning: '!', bad: '✖' };

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

async function run(args: readonly string[]): Promise<number> {
  expectNoWords(args);
  const { findings, config } = lookAtSettings();
  say(findings);
  const more = config ? await lookAtAll(config) : [];
  say(more);
  const all = [...findings, ...more];
  const bad = all.filter(({ state }) => state === 'bad').length;
  const warnings = all.filter(({ state }) => state === 'warning').length;
  console.log(bad + warnings === 0 ? '\nAll is well.' : `\n${bad} to put right, ${warnings} to look at.`);
  return bad > 0 ? 1 : 0;
}

await runCommand({
  name: 'doctor',
  purpose:
    'Looks at settings and servers and says what to do. Leaves them as they are. Exit code 1 when something is bad.',
  forms: [''],
  run,
});
