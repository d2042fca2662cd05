// The first command on a new machine: `node infra/local/bootstrap.js start | test | reset | bench | doctor`.
// Plain JavaScript without dependencies, so that it runs on any Node from 20 on. It installs what package-lock.json
// says, then hands over to the project's own Node, which runs the TypeScript beside this file.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_BOOTSTRAP_NODE = 20;
const OLDEST_PROJECT_NODE = 24;
const SAME_SIGNAL_MS = 1000;
const PARENT_CHECK_MS = 500;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const modules = join(root, 'node_modules');
const scripts = {
  start: ['infra/local/start.ts'],
  test: ['infra/local/test.ts'],
  reset: ['infra/local/reset.ts'],
  bench: ['bench/main.ts'],
  doctor: ['infra/local/command.ts', 'doctor'],
};

function fail(text) {
  console.error(text);
  process.exit(1);
}

function majorOf(version) {
  return Number(version.replace(/^v/, '').split('.')[0]);
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
function install() {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const stampFile = join(modules, '.lock-stamp');
  const stamp = `${createHash('sha256').update(lockText).digest('hex')} ${process.platform} ${process.arch}\n`;
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  if (!isInstalled(lockText)) {
    console.log('Installing the npm packages of package-lock.json (about 300 MB on disk, a minute or less) …');
    const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
    const result = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
    if (result.error) fail(`npm cannot be run: ${result.error.message}`);
    if (result.status !== 0) fail(`npm ${args.join(' ')} failed:\n${result.stdout}${result.stderr}`);
  }
  writeFileSync(stampFile, stamp);
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
    `This project runs on Node ${OLDEST_PROJECT_NODE}. Its npm package "node" brings it, but the package's install ` +
      'script has not run. Run it with: npm rebuild node --ignore-scripts=false',
  );
}

/**
 * Runs the script in a process group of its own, so that Ctrl-C reaches it once, from here, and not a second time
 * from the terminal or npm. The channel tells it when this process is gone.
 */
function handOver(node, script, args) {
  const path = `${join(modules, '.bin')}:${process.env.PATH}`;
  const child = spawn(node, [join(root, script), ...args], {
    cwd: process.cwd(),
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
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

const [command, ...args] = process.argv.slice(2);
if (majorOf(process.version) < OLDEST_BOOTSTRAP_NODE) {
  fail(`Node ${process.version} is too old; install Node ${OLDEST_BOOTSTRAP_NODE} or newer (https://nodejs.org).`);
}
const [script, ...words] = scripts[command] ?? [];
if (!script) fail(`usage: node infra/local/bootstrap.js ${Object.keys(scripts).join(' | ')}`);
install();
handOver(projectNode(), script, [...words, ...args]);
