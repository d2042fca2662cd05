/**
 * `npm start`: the servers, the simulator, the schema, the worker and the API, then a demonstration through all of
 * them. Stays in the foreground; Ctrl-C stops everything it started. `--once` stops by itself after the demonstration,
 * with exit code 1 if that failed.
 */
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { readCommandLine } from '../infra/command-line.js';
import { ConfigError, readConfig } from '../infra/config.ts';
import { COMMANDS } from './commands.js';
import { buildConsole } from './console.ts';
import { claimDataFolder, endServices } from './data-folder.ts';
import { type DemoResult, runDemo } from './demo.ts';
import { demoReport } from './demo-report.ts';
import { systemVariables, type Variables } from './environment.ts';
import { Interrupted, listenForInterruption } from './interruption.ts';
import { PART_NAMES, PARTS } from './parts.ts';
import { runSideBySide } from './progress.ts';
import { findRootPassword } from './root-password.ts';
import { localSecrets, refuseForData, rememberForData, secretSettings, writeSecrets } from './secrets.ts';
import { claimServicePorts, type ServicePorts } from './service-ports.ts';
import { localSettings, withoutOthersServers, writeRunningSettings } from './settings.ts';
import { startStack } from './stack.ts';
import { Services } from './supervised-services.ts';
import { refuseProduction, type UserSettings, userSettings } from './user-settings.ts';
import { watchServers } from './watched-servers.ts';

const CHECKOUT = resolve(import.meta.dirname, '..');
const DATA_FOLDER = join(CHECKOUT, '.local/start');

/** @throws Error with the migration's own words. */
async function migrate(settings: Variables, signal: AbortSignal): Promise<string> {
  const { stdout } = await execa(process.execPath, [join(CHECKOUT, 'cli/migrate.ts')], {
    cwd: CHECKOUT,
    env: { ...systemVariables(), ...settings },
    extendEnv: false,
    cancelSignal: signal,
  });
  return `Schema: ${stdout.trim().split('\n').at(-1) ?? 'done'}`;
}

async function startServices(
  services: Services,
  settings: Variables,
  options: { ports: ServicePorts; ownSimulator: boolean; signal: AbortSignal },
): Promise<string> {
  const { ports, ownSimulator, signal } = options;
  let apiUrl = '';
  const start = (kind: 'api' | 'worker' | 'simulator', title: string) => ({
    title,
    run: async () => {
      const url = await services.start(kind, ports[kind], settings, signal);
      if (kind === 'api') apiUrl = url.replace('127.0.0.1', 'localhost');
      return `${title}: ready (${url})`;
    },
  });
  const schema = { title: 'Schema', run: () => migrate(settings, signal) };
  const pages = { title: 'Console', run: () => buildConsole(CHECKOUT, signal) };
  await runSideBySide([schema, pages, ...(ownSimulator ? [start('simulator', 'Simulated provider')] : [])], 'shown');
  await runSideBySide([start('worker', 'Worker'), start('api', 'API')], 'shown');
  return apiUrl;
}

async function demonstrate(
  apiUrl: string,
  settings: Variables,
  user: UserSettings,
  signal: AbortSignal,
): Promise<DemoResult> {
  const secrets = localSecrets(DATA_FOLDER);
  const root = await findRootPassword(
    apiUrl,
    { asked: user.values.ROOT_PASSWORD, known: secrets.ROOT_PASSWORD },
    signal,
  );
  if (root.kind !== 'unknown') {
    writeSecrets(DATA_FOLDER, { ...secrets, ROOT_PASSWORD: root.password });
    writeRunningSettings(DATA_FOLDER, { ...settings, ROOT_PASSWORD: root.password });
  }
  const demo = await runDemo({
    baseUrl: apiUrl,
    password: secrets.demoPassword,
    accessKey: secrets.demoAccessKey,
    paymentSecret: settings.PAYMENT_SECRET ?? '',
    signal,
  });
  writeSecrets(DATA_FOLDER, { ...localSecrets(DATA_FOLDER), demoAccessKey: demo.accessKey });
  const text = demoReport(demo, {
    apiUrl,
    publicUrl: settings.PUBLIC_URL ?? apiUrl,
    temporalUiUrl: settings.TEMPORAL_UI_URL ?? '',
    temporalNamespace: settings.TEMPORAL_NAMESPACE ?? 'default',
    currency: settings.CURRENCY ?? 'CNY',
    demoPassword: secrets.demoPassword,
    root,
    rootSetting: user.named('ROOT_PASSWORD'),
    webhooks: settings.WEBHOOK_PRIVATE_HOSTS ?? '',
    dataFolder: DATA_FOLDER,
  });
  console.log(text);
  return demo;
}

/** What is wrong with a setting is said before anything is started. @throws {ConfigError} */
function checkSettings(user: Variables, secrets: Variables): void {
  const ports = { api: 0, worker: 0, simulator: 0, webhooks: 1 };
  readConfig({ ...localSettings({ ports, secrets, user, servers: {} }), ...user });
}

async function run(services: Services, once: boolean, signal: AbortSignal, onUp: () => void): Promise<number> {
  const claim = claimDataFolder(DATA_FOLDER);
  const user = userSettings(CHECKOUT);
  refuseProduction(user);
  const secrets = localSecrets(DATA_FOLDER);
  checkSettings(user.values, secretSettings(secrets));
  const used = { ...secretSettings(secrets), CURRENCY: 'CNY', ...user.values };
  const ownMysql = !PARTS.mysql.fromEnvironment(user.values);
  if (ownMysql) refuseForData(secrets, used, user.named);
  // What a killed start left running has the ports that this one wants.
  await endServices(DATA_FOLDER, PART_NAMES);
  const { ports, notes, release } = await claimServicePorts(user);
  try {
    for (const note of notes) console.log(note);
    const stack = await startStack({
      dataFolder: DATA_FOLDER,
      environment: user.values,
      claim,
      progress: 'shown',
      signal,
    });
    try {
      const { values, notes: ignored } = withoutOthersServers(user, stack.environment);
      for (const note of ignored) console.log(note);
      const settings = localSettings({
        ports,
        secrets: secretSettings(secrets),
        user: values,
        servers: stack.environment,
      });
      if (ownMysql) rememberForData(DATA_FOLDER, used);
      writeRunningSettings(DATA_FOLDER, settings);
      const ownSimulator = user.values.SIMULATOR_URL === undefined;
      const apiUrl = await startServices(services, settings, { ports, ownSimulator, signal });
      const failed = await demonstrate(apiUrl, settings, user, signal).then(
        (demo) => demo.differenceNano !== 0n,
        (error: unknown) => {
          signal.throwIfAborted();
          console.error(`The demonstration failed: ${error instanceof Error ? error.message : String(error)}`);
          return true;
        },
      );
      if (once) return failed ? 1 : 0;
      console.log('Running. Ctrl-C stops everything.');
      onUp();
      await watchServers(stack, (text) => console.log(text), signal);
      return 0;
    } finally {
      console.log('Stopping …');
      await services.stop();
      await stack.stop();
    }
  } finally {
    release();
  }
}

/** As a shell has it: 128 and the signal's number. */
function codeOfInterruption(reason: unknown): number {
  const name = reason instanceof Interrupted ? reason.message : '';
  const number = Object.entries(constants.signals).find(([known]) => known === name)?.[1];
  return number === undefined ? 1 : 128 + number;
}

const { values: options } = readCommandLine(COMMANDS.start, process.argv.slice(2));
const services = new Services(DATA_FOLDER, (text) => console.log(text));
const signal = listenForInterruption(() => void services.stop(0));
let isUp = false;
try {
  process.exitCode = await run(services, options.once, signal, () => {
    isUp = true;
  });
} catch (error) {
  if (signal.aborted) process.exitCode = isUp ? 0 : codeOfInterruption(signal.reason);
  else {
    const prefix = error instanceof ConfigError ? 'These settings are wrong:\n' : '';
    console.error(error instanceof Error ? `${prefix}${error.message}` : error);
    process.exitCode = 1;
  }
}
