/**
 * `npm start`: the servers, the simulator, the schema, the worker and the API, then a demonstration through all of
 * them. Stays in the foreground; Ctrl-C stops everything it started. `--once` stops by itself after the demonstration,
 * with exit code 1 if that failed.
 */
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { type DemoResult, runDemo } from './demo.ts';
import { demoReport } from './demo-report.ts';
import { systemVariables, type Variables } from './environment.ts';
import { Interrupted, listenForInterruption } from './interruption.ts';
import { runSideBySide } from './progress.ts';
import { localSecrets, secretSettings, writeSecrets } from './secrets.ts';
import { localSettings, userSettings } from './settings.ts';
import { type StartedStack, startStack } from './stack.ts';
import { Services } from './supervised-services.ts';
import { watchServers } from './watched-servers.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
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

async function choosePorts(stack: StartedStack, user: Variables) {
  const wanted = { api: Number(user.PORT ?? 8060), worker: Number(user.WORKER_PORT ?? 8061), simulator: 8070 };
  const api = await stack.servicePort('api', wanted.api);
  const worker = await stack.servicePort('worker', wanted.worker);
  return { api, worker, simulator: await stack.servicePort('simulator', wanted.simulator) };
}

async function startServices(
  services: Services,
  settings: Variables,
  ports: Awaited<ReturnType<typeof choosePorts>>,
  signal: AbortSignal,
) {
  const start = (kind: 'api' | 'worker' | 'simulator', title: string) => ({
    title,
    run: async () => `${title}: ready (${await services.start(kind, ports[kind], settings, signal)})`,
  });
  const schema = { title: 'Schema', run: () => migrate(settings, signal) };
  await runSideBySide([schema, start('simulator', 'Simulated provider')], 'shown');
  await runSideBySide([start('worker', 'Worker'), start('api', 'API')], 'shown');
}

async function demonstrate(settings: Variables, signal: AbortSignal): Promise<DemoResult> {
  const secrets = localSecrets(DATA_FOLDER);
  const apiUrl = settings.PUBLIC_URL ?? '';
  const demo = await runDemo({
    baseUrl: apiUrl,
    password: secrets.demoPassword,
    accessKey: secrets.demoAccessKey,
    signal,
  });
  writeSecrets(DATA_FOLDER, { ...secrets, demoAccessKey: demo.accessKey });
  const text = demoReport(demo, {
    apiUrl,
    temporalUiUrl: settings.TEMPORAL_UI_URL ?? '',
    temporalNamespace: settings.TEMPORAL_NAMESPACE ?? 'default',
    currency: settings.CURRENCY ?? 'CNY',
    rootPassword: settings.ROOT_PASSWORD ?? '',
    dataFolder: DATA_FOLDER,
  });
  console.log(text);
  return demo;
}

async function run(services: Services, once: boolean, signal: AbortSignal): Promise<number> {
  const user = userSettings(CHECKOUT);
  const stack = await startStack({ dataFolder: DATA_FOLDER, environment: user, progress: 'shown', signal });
  try {
    const ports = await choosePorts(stack, user);
    const secrets = secretSettings(localSecrets(DATA_FOLDER));
    const settings = localSettings({ ports, secrets, user, servers: stack.environment });
    await startServices(services, settings, ports, signal);
    const failed = await demonstrate(settings, signal).then(
      (demo) => demo.differenceNano !== 0n,
      (error: unknown) => {
        signal.throwIfAborted();
        console.error(`The demonstration failed: ${error instanceof Error ? error.message : String(error)}`);
        return true;
      },
    );
    if (once) return failed ? 1 : 0;
    console.log('Running. Ctrl-C stops everything.');
    await watchServers(stack, (text) => console.log(text), signal);
    return 0;
  } finally {
    console.log('Stopping …');
    await services.stop();
    await stack.stop();
  }
}

const services = new Services(DATA_FOLDER, (text) => console.log(text));
const signal = listenForInterruption(() => void services.stop(0));
try {
  process.exitCode = await run(services, process.argv.includes('--once'), signal);
} catch (error) {
  if (!(error instanceof Interrupted) && !signal.aborted) console.error(error instanceof Error ? error.message : error);
  process.exitCode = signal.aborted ? 0 : 1;
}
