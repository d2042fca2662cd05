/**
 * What the bench `peers` measures: a bare Koa, this gateway, and other gateways whose programs are at hand. Each has the
 * same upstream, eight customers in turn, and as much of accounts, budgets and logs as its row says.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type BenchPeers, benchPeers } from '../devstack/environment.ts';
import type { BenchContext } from './bench.ts';
import { oneApi } from './one-api.ts';
import { type BenchProduct, MODEL, PACED_MODEL } from './product.ts';
import { type SideProcess, startSideProcess } from './side-process.ts';
import type { Ground, Start, System } from './system.ts';
import type { Headers } from './wrk.ts';

export interface Systems {
  readonly all: readonly System[];
  /** Ends the processes that were started here. */
  close(): Promise<void>;
}

const PATH = '/v1/chat/completions';
const CUSTOMERS = 8;

export async function startSystems(context: BenchContext, product: BenchProduct): Promise<Systems> {
  const peers = benchPeers();
  const started: SideProcess[] = [];
  const start: Start = async (name, side) => {
    const process = await startSideProcess({ name: `peers-${name}`, dataFolder: context.stack.dataFolder, ...side });
    started.push(process);
    return process;
  };
  const folder = (name: string) => {
    const path = join(context.stack.dataFolder, 'peers', name);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
    return path;
  };
  const ground = { upstream: product.upstream.url, start, folder };
  try {
    return {
      all: [
        await bareKoa(ground),
        ...(await ownSystems(product, peers)),
        ...(peers.bifrost ? [await bifrostBare(ground, peers.bifrost), await bifrost(ground, peers.bifrost)] : []),
        ...(peers.oneApi
          ? [
              await oneApi(ground, context, product, {
                name: 'one-api',
                title: 'One API',
                program: peers.oneApi,
                tokenTables: peers.tokenTables,
              }),
            ]
          : []),
        ...(peers.newApi
          ? [
              await oneApi(ground, context, product, {
                name: 'new-api',
                title: 'New API',
                program: peers.newApi,
                tokenTables: peers.tokenTables,
              }),
            ]
          : []),
        ...(peers.litellm ? [await litellm(ground, peers.litellm)] : []),
        ...(peers.portkey ? [await portkey(ground, peers.portkey)] : []),
      ],
      close: async () => {
        for (const process of started) await process.stop();
      },
    };
  } catch (error) {
    for (const process of started) await process.stop();
    throw error;
  }
}

async function bareKoa({ start, upstream }: Ground): Promise<System> {
  const process = await start('bare-koa', {
    command: globalThis.process.execPath,
    args: (port) => [join(import.meta.dirname, 'bare-koa.ts'), String(port), upstream],
  });
  // It forwards the path as it is.
  const target = (model: string) => ({
    url: process.url + (model === PACED_MODEL ? `/paced${PATH}` : PATH),
    ...{ model, headers: [{}] },
  });
  return { name: 'bare Koa', process, target, usesDatabase: false, isOurs: true };
}

async function ownSystems(product: BenchProduct, { baseline }: BenchPeers): Promise<System[]> {
  const cores = availableParallelism();
  const own = (name: string, process: { readonly pid: number | undefined; readonly url: string }): System => ({
    ...{ name, process, usesDatabase: true, isOurs: true, kept: product.charges },
    target: (model) => ({ url: process.url + PATH, model, headers: product.callers }),
  });
  const many = await product.startApi('all-cores', { API_PROCESSES: String(cores) });
  return [
    own('gateway', product.api),
    own(`gateway, ${cores} processes`, many),
    ...(baseline ? [own('gateway, baseline', await product.startApi('baseline', {}, baseline))] : []),
  ];
}

async function bifrostBare({ start, folder, upstream }: Ground, program: string): Promise<System> {
  const home = folder('bifrost-bare');
  writeJson(join(home, 'config.json'), {
    client: { enable_logging: false },
    providers: bifrostProviders(upstream),
    config_store: { enabled: false },
    logs_store: { enabled: false },
  });
  const process = await startBifrost(start, 'bifrost-bare', program, home);
  return { name: 'Bifrost, bare', process, target: bifrostTarget(process, [{}]), usesDatabase: false, isOurs: false };
}

/** With what bills: a log without contents, and a budget for each of eight virtual keys. */
async function bifrost({ start, folder, upstream }: Ground, program: string): Promise<System> {
  const home = folder('bifrost');
  const logs = join(home, 'logs.db');
  const customers = Array.from({ length: CUSTOMERS }, (_, index) => `vk-${index + 1}`);
  writeJson(join(home, 'config.json'), {
    client: { enable_logging: true, disable_content_logging: true, enforce_auth_on_inference: true },
    providers: bifrostProviders(upstream),
    config_store: { enabled: true, type: 'sqlite', config: { path: join(home, 'config.db') } },
    logs_store: { enabled: true, type: 'sqlite', config: { path: logs } },
    governance: {
      virtual_keys: customers.map((id) => ({
        ...{ id, name: id, value: `sk-bf-${id}`, is_active: true },
        provider_configs: ['openai', PACED_MODEL].map((provider) => ({ provider, key_ids: ['*'], weight: 1 })),
      })),
      budgets: customers.map((id) => ({
        ...{ id: `budget-${id}`, virtual_key_id: id, max_limit: 1_000_000, reset_duration: '1M' },
      })),
    },
    plugins: [{ name: 'governance', enabled: true, config: { is_vk_mandatory: true } }],
  });
  const process = await startBifrost(start, 'bifrost', program, home);
  const target = bifrostTarget(
    process,
    customers.map((id) => ({ 'x-bf-vk': `sk-bf-${id}` })),
  );
  const kept = async () => countRows(logs, 'logs');
  return { name: 'Bifrost, log and budgets', process, target, usesDatabase: false, isOurs: false, kept };
}

/** A key without `models` serves all of them. */
function bifrostProviders(upstream: string): object {
  const keys = [{ name: 'bench', value: 'sk-bench-0000', weight: 1 }];
  return {
    openai: { keys, network_config: { base_url: upstream } },
    [PACED_MODEL]: {
      keys,
      network_config: { base_url: `${upstream}/paced` },
      custom_provider_config: { base_provider_type: 'openai' },
    },
  };
}

function startBifrost(start: Start, name: string, program: string, home: string): Promise<SideProcess> {
  return start(name, {
    command: program,
    args: (port) => ['-app-dir', home, '-host', '127.0.0.1', '-port', String(port), '-log-level', 'error'],
    healthPath: '/health',
    workingFolder: home,
  });
}

function bifrostTarget(process: SideProcess, headers: readonly Headers[]): System['target'] {
  return (model) => ({
    url: process.url + PATH,
    ...{ model: model === PACED_MODEL ? `${PACED_MODEL}/${model}` : `openai/${model}`, headers },
  });
}

/** Its keys and budgets need PostgreSQL, so it keeps nothing here. */
async function litellm({ start, folder, upstream }: Ground, program: string): Promise<System> {
  const home = folder('litellm');
  const models = [
    { name: MODEL, base: `${upstream}/v1` },
    { name: PACED_MODEL, base: `${upstream}/paced/v1` },
  ];
  // JSON is YAML, too.
  writeJson(join(home, 'config.yaml'), {
    model_list: models.map(({ name, base }) => ({
      model_name: name,
      litellm_params: { model: `openai/${name}`, api_base: base, api_key: 'sk-bench-0000' },
    })),
    litellm_settings: { num_retries: 0, request_timeout: 60, telemetry: false },
  });
  const workers = availableParallelism();
  // It refuses to start without one.
  const key = `sk-${randomBytes(16).toString('hex')}`;
  const process = await start('litellm', {
    command: program,
    args: (port) => [
      ...['--config', join(home, 'config.yaml'), '--host', '127.0.0.1', '--port', String(port)],
      ...['--num_workers', String(workers)],
    ],
    healthPath: '/health/liveliness',
    // It would fetch prices from the network.
    environment: { LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_LOG: 'ERROR', LITELLM_MASTER_KEY: key },
    workingFolder: home,
  });
  const target = (model: string) => ({ url: process.url + PATH, model, headers: [{ authorization: `Bearer ${key}` }] });
  return { name: `LiteLLM, ${workers} workers`, process, target, usesDatabase: false, isOurs: false };
}

async function portkey({ start, folder, upstream }: Ground, script: string): Promise<System> {
  const process = await start('portkey', {
    command: globalThis.process.execPath,
    args: (port) => [script, `--port=${port}`, '--headless'],
    healthPath: '/',
    environment: { TRUSTED_CUSTOM_HOSTS: new URL(upstream).hostname },
    workingFolder: folder('portkey'),
  });
  const target = (model: string) => ({
    url: process.url + PATH,
    model,
    headers: [
      {
        authorization: 'Bearer sk-bench-0000',
        'x-portkey-provider': 'openai',
        'x-portkey-custom-host': model === PACED_MODEL ? `${upstream}/paced/v1` : `${upstream}/v1`,
      },
    ],
  });
  return { name: 'Portkey', process, target, usesDatabase: false, isOurs: false };
}

function writeJson(path: string, content: object): void {
  writeFileSync(path, JSON.stringify(content, null, 2));
}

function countRows(file: string, table: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return Number(database.prepare(`SELECT COUNT(*) AS count FROM ${table}`).get()?.count);
  } finally {
    database.close();
  }
}
