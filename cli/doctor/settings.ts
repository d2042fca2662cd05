/** Checks the settings. */
import { type Config, ConfigError, misspeltSettings, readConfig } from '../../infra/config.ts';
import type { Finding } from './finding.ts';

const OLDEST_NODE = 24;

/** @returns no configuration where the settings are wrong; then nothing else can be looked at. */
export function lookAtSettings(): { findings: Finding[]; config?: Config } {
  const findings: Finding[] = [nodeFinding(), ...misspelt()];
  try {
    const config = readConfig();
    const text = config.production ? 'good for production' : `good for ${config.NODE_ENV}`;
    return { findings: [...findings, { part: 'Settings', state: 'good', text }], config };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const advice = 'Set it in the environment or in .env; docs/configuration.md explains each.';
    const bad = error.message.split('\n').map((text): Finding => ({ part: 'Settings', state: 'bad', text, advice }));
    return { findings: [...findings, ...bad] };
  }
}

function nodeFinding(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= OLDEST_NODE) return { part: 'Node', state: 'good', text: process.versions.node };
  const advice = 'Run it as `npm run doctor`, which brings the right one.';
  return { part: 'Node', state: 'bad', text: `${process.versions.node} is too old`, advice };
}

function misspelt(): Finding[] {
  return misspeltSettings().map((name) => ({
    part: 'Settings',
    state: 'warning',
    text: `${name} is not a setting and has no effect`,
    advice: 'docs/configuration.md lists the names.',
  }));
}
