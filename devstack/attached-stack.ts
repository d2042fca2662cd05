/** The servers that a launcher runs in a data folder, as a process finds them that did not start them: a test, a bench. */
import type { Variables } from './environment.ts';
import type { PartName } from './part.ts';
import { runningProcess } from './server-process.ts';
import type { Stack } from './stack.ts';
import { foreignPart, killPart, ownPart, type StackPart } from './stack-part.ts';
import { type PartState, readStackState } from './stack-state.ts';

/** @throws Error when no stack was started in the folder. */
export function attachStack(dataFolder: string): Stack {
  const { password, parts: states } = readStackState(dataFolder);
  const attach = (name: PartName) => {
    const state = states[name];
    if (!state) throw new Error(`no ${name} in ${dataFolder}: no stack was started there`);
    return attachPart(name, { ...state, password }, dataFolder);
  };
  const parts: Readonly<Record<PartName, StackPart>> = {
    mysql: attach('mysql'),
    redis: attach('redis'),
    mongo: attach('mongo'),
    temporal: attach('temporal'),
  };
  const environment: Variables = Object.assign({}, ...Object.values(parts).map(({ settings }) => settings));
  return { dataFolder, environment, part: (name) => parts[name] };
}

/** It may be killed at once. How it starts is known by modules that load for a while, and few tests start one. */
function attachPart(name: PartName, state: PartState & { password: string }, dataFolder: string): StackPart {
  const whole = async () => {
    const { PARTS } = await import('./parts.ts');
    return state.installation ? ownPart(PARTS[name], state, dataFolder) : foreignPart(PARTS[name], state.settings);
  };
  return {
    name,
    settings: state.settings,
    get pid() {
      return state.installation ? runningProcess(dataFolder, name)?.pid : undefined;
    },
    kill: async (signal) => (state.installation ? killPart(dataFolder, name, signal) : (await whole()).kill(signal)),
    stop: async () => (await whole()).stop(),
    start: async (signal) => (await whole()).start(signal),
  };
}
