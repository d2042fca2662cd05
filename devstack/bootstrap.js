// The first command on a new machine: `node devstack/bootstrap.js start`, or another of package.json's scripts.
// Plain JavaScript without dependencies, so that it runs on any Node from 20 on, and tells older ones so. It installs
// what package-lock.json says, then hands over to the project's own Node, which runs the TypeScript beside this file.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machineObstacle, majorOf, npmAdvice } from './machine.js';

const OLDEST_PROJECT_NODE = 24;
const SAME_SIGNAL_MS = 1000;
const PARENT_CHECK_MS = 500;
const NPM_LINES = 20;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');

function fail(text) {
  console.error(text);
  process.exit(1);
}

function isMusl() {
  if (process.platform !== 'linux') return false;
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}

/** Whether npm's own record of node_modules has every package of the lockfile in its version. */
function isInstalled(lockText) {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(JSON.parse(lockText).packages).every(([path, wanted]) => {
    if (path === '' || wanted.optional || wanted.devOptional) return true;
    return installed[path] !== undefined && installed[path].version === wanted.version;
  });
}

/** Installs when node_modules is not what the lockfile says; a stamp in it makes the next look quick. */
async function install() {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const stampFile = join(modules, '.lock-stamp');
  const stamp = `${createHash('sha256').update(lockText).digest('hex')} ${process.platform} ${process.arch}\n`;
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  if (!isInstalled(lockText)) await alone(runNpm);
  writeFileSync(stampFile, stamp);
}

/** Two installations at once would delete each other's files. */
async function alone(work) {
  const lock = join(root, '.local', 'npm-install.lock');
  mkdirSync(dirname(lock), { recursive: true });
  const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
  if (holder > 0 && !isRunning(holder)) rmSync(lock, { force: true });
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
  } catch {
    fail('Another command installs the npm packages of this checkout just now. Start again when it has done so.');
  }
  process.once('exit', () => rmSync(lock, { force: true }));
  await work();
  rmSync(lock, { force: true });
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function runNpm() {
  console.log('Installing the npm packages of package-lock.json (about 500 MB on disk, a minute or less) …');
  // A shell with NODE_ENV=production would leave out what the project is run with.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // A package of the lockfile would report the installation to its vendor.
  const env = { ...process.env, SCARF_ANALYTICS: 'false' };
  const npm = spawn('npm', args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const forward = (signal) => npm.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward);
  let output = '';
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code, signal] = await new Promise((resolve) => {
    npm.on('error', (error) => fail(`npm cannot be run (${error.message}). It comes with Node; is it on PATH?`));
    npm.on('close', (...end) => resolve(end));
  });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeListener(name, forward);
  if (signal) process.exit(128 + constants.signals[signal]);
  if (code === 0) return;
  const lines = output.trim().split('\n').slice(-NPM_LINES).join('\n');
  fail([`npm ${args.join(' ')} failed:`, lines, npmAdvice(output)].filter((line) => line !== undefined).join('\n'));
}

/** The project's own Node; the running one where there is none for this platform or its install script was blocked. */
function projectNode() {
  const own = join(modules, '.bin', 'node');
  if (existsSync(own)) {
    const { status, stdout } = spawnSync(own, ['--version'], { encoding: 'utf8' });
    if (status === 0 && majorOf(stdout) >= OLDEST_PROJECT_NODE) return own;
  }
  if (majorOf(process.version) >= OLDEST_PROJECT_NODE) return process.execPath;
  return fail(
    `This project runs on Node ${OLDEST_PROJECT_NODE}, and this is ${process.version}. Its npm package "node" brings ` +
      "the right one, but the package's install script has not run: npm rebuild node --ignore-scripts=false",
  );
}

/**
 * Ctrl-C reaches the script once, from here, and not a second time from the terminal or npm. The channel tells it when
 * this process is gone.
 */
const IN_ITS_OWN_GROUP = { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true };
/** Keeps the terminal: a command may ask for a password. */
const AT_THE_TERMINAL = { stdio: 'inherit' };

function handOver(node, script, args, how) {
  const path = `${join(modules, '.bin')}:${process.env.PATH}`;
  const child = spawn(node, [join(root, script), ...args], {
    cwd: process.cwd(),
    env: { ...process.env, PATH: path },
    ...how,
  });
  let lastSignalAt = 0;
  const forward = (signal) => {
    if (Date.now() - lastSignalAt < SAME_SIGNAL_MS) return;
    lastSignalAt = Date.now();
    child.kill(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => forward(signal));
  if (process.env.npm_lifecycle_event) stopWithoutParent(() => child.kill('SIGTERM'));
  child.on('error', (error) => fail(`${node} cannot be run: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}

/** npm killed with -9 tells nobody; a changed parent does. */
function stopWithoutParent(stop) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, PARENT_CHECK_MS);
  timer.unref();
}

const { platform, arch, version } = process;
const obstacle = machineObstacle({ platform, arch, node: version, musl: isMusl() });
if (obstacle) fail(obstacle);
// Not before: what these import is younger than the Nodes that are refused above.
const { COMMANDS, CLI_COMMANDS } = await import('./commands.js');
const { readCommandLine } = await import('../infra/command-line.js');
const [name, ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (command) readCommandLine(command, args);
else if (!CLI_COMMANDS.includes(name)) {
  fail(`usage: node devstack/bootstrap.js ${[...Object.keys(COMMANDS), ...CLI_COMMANDS].join(' | ')}`);
}
await install();
if (command) handOver(projectNode(), command.script, args, IN_ITS_OWN_GROUP);
else handOver(projectNode(), 'devstack/command.ts', [name, ...args], AT_THE_TERMINAL);
