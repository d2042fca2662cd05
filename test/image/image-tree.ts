/**
 * The file tree of the image, built as Dockerfile and .dockerignore say, without a Docker engine. Each instruction that
 * the Dockerfile uses is followed; one that is not known here fails. Packages are not downloaded: `npm ci` is the
 * installed packages, and `--omit=dev` leaves out those that package-lock.json marks as dev.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { z } from 'zod';
import { systemVariables } from '../../devstack/environment.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
/** Instructions that install packages, and whether those for development are among them. */
const INSTALL = new Map([
  ['npm ci --omit=dev --ignore-scripts', false],
  ['npm ci --ignore-scripts', true],
]);

/** A stage of the build, and in the end the image: paths are absolute inside of `root`. */
export interface Image {
  readonly root: string;
  workdir: string;
  user: string;
  entrypoint: readonly string[];
  command: readonly string[];
  env: Record<string, string>;
  /** Folders that were given to the user of the image. */
  readonly writable: string[];
}

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Builds every stage under the folder. @returns the last one. */
export function buildImage(folder: string): Image {
  const stages = new Map<string, Image>();
  const included = buildContext(readFileSync(join(CHECKOUT, '.dockerignore'), 'utf8'));
  let current: Image | undefined;
  for (const { name, text } of instructionsOf(readFileSync(join(CHECKOUT, 'infra/docker/Dockerfile'), 'utf8'))) {
    if (name === 'FROM') {
      const [, base = '', , stage = 'image'] = /^(\S+)( AS (\S+))?$/.exec(text) ?? assert.fail(`FROM ${text}`);
      current = startStage(join(folder, stage), stages.get(base), base);
      stages.set(stage, current);
    } else {
      assert.ok(current, 'FROM comes first');
      follow(current, name, text, stages, included);
    }
  }
  assert.ok(current, 'the Dockerfile has no stage');
  return current;
}

function instructionsOf(dockerfile: string): Instruction[] {
  const lines = dockerfile
    .replace(/^\s*#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const [, name = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? assert.fail(`not an instruction: ${line}`);
    return { name, text: text.trim() };
  });
}

function startStage(root: string, base: Image | undefined, image: string): Image {
  mkdirSync(root);
  if (base) {
    copyTree(base.root, root);
    return { ...base, root, env: { ...base.env }, writable: [...base.writable] };
  }
  assert.equal(image, `node:${process.versions.node}-bookworm-slim`, 'tests and image run the same Node');
  linkFile(process.execPath, join(root, 'usr/local/bin/node'));
  mkdirSync(join(root, 'tmp'));
  const env = { PATH: `${join(root, 'usr/local/bin')}:/usr/bin:/bin` };
  return { root, workdir: '/', user: 'root', entrypoint: [], command: [], env, writable: [] };
}

function follow(
  stage: Image,
  name: string,
  text: string,
  stages: ReadonlyMap<string, Image>,
  included: (path: string) => string[],
): void {
  const words = () => z.array(z.string()).parse(JSON.parse(text));
  if (name === 'WORKDIR') {
    stage.workdir = text;
    mkdirSync(join(stage.root, text), { recursive: true });
  } else if (name === 'ENV') {
    const [, variable = '', value = ''] = /^(\w+)=(\S*)$/.exec(text) ?? assert.fail(`ENV ${text}`);
    stage.env[variable] = value;
  } else if (name === 'COPY') copy(stage, text, stages, included);
  else if (name === 'RUN') run(stage, text);
  else if (name === 'USER') stage.user = text;
  else if (name === 'ENTRYPOINT') stage.entrypoint = words();
  else if (name === 'CMD') stage.command = words();
  else assert.equal(name, 'EXPOSE', `the test does not know ${name}`);
}

function copy(
  stage: Image,
  text: string,
  stages: ReadonlyMap<string, Image>,
  included: (path: string) => string[],
): void {
  const [, from, rest = ''] = /^(?:--from=(\w+) )?((?!--).*)$/.exec(text) ?? assert.fail(`COPY ${text}`);
  const sources = rest.split(/\s+/);
  const target = posix.resolve(stage.workdir, sources.pop() ?? '');
  for (const source of sources) {
    if (from !== undefined) {
      copyTree(join(stages.get(from)?.root ?? assert.fail(`no stage ${from}`), source), join(stage.root, target));
      continue;
    }
    const files = included(source);
    assert.ok(files.length > 0, `COPY ${source}: .dockerignore lets nothing of it in`);
    for (const file of files) {
      const inside = file === source ? posix.basename(file) : posix.relative(source, file);
      const path = join(stage.root, target, inside);
      mkdirSync(dirname(path), { recursive: true });
      copyReadOnly(join(CHECKOUT, file), path);
    }
  }
}

function run(stage: Image, command: string): void {
  const given = /^mkdir (\/\w+) && chown node:node \1$/.exec(command)?.[1];
  if (given !== undefined) {
    mkdirSync(join(stage.root, given));
    stage.writable.push(given);
    return;
  }
  const withDev = INSTALL.get(command);
  if (withDev !== undefined) installPackages(stage, withDev);
  else {
    assert.match(command, /^node \S+$/, `the test cannot run: ${command}`);
    const { status, stderr } = spawnSync(join(stage.root, 'usr/local/bin/node'), command.split(' ').slice(1), {
      cwd: join(stage.root, stage.workdir),
      env: { ...stage.env, TMPDIR: join(stage.root, 'tmp') },
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${command}: ${stderr}`);
  }
}

const lockSchema = z.looseObject({
  packages: z.record(z.string(), z.looseObject({ dev: z.boolean().optional(), optional: z.boolean().optional() })),
});

/** Hard links where the file system allows: the tree is not written to. */
function installPackages(stage: Image, withDev: boolean): void {
  const lock = lockSchema.parse(JSON.parse(readFileSync(join(stage.root, stage.workdir, 'package-lock.json'), 'utf8')));
  for (const [path, { dev, optional }] of Object.entries(lock.packages)) {
    if (path === '' || (dev && !withDev)) continue;
    const source = join(CHECKOUT, path);
    if (existsSync(source)) linkPackage(source, join(stage.root, stage.workdir, path));
    else assert.ok(optional, `${path} is not installed`);
  }
}

/** The package without those inside of it, which the lock file lists by themselves. */
function linkPackage(source: string, target: string): void {
  mkdirSync(target, { recursive: true });
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    const path = join(source, entry.name);
    if (entry.isDirectory()) linkPackage(path, join(target, entry.name));
    else if (entry.isFile()) linkFile(path, join(target, entry.name));
  }
}

/** A hard link, unless the process would own it and could write through it, or another file system is in between. */
function linkFile(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  if (process.getuid?.() === 0) {
    try {
      linkSync(source, target);
      return;
    } catch {
      // Copied then.
    }
  }
  copyReadOnly(source, target);
}

function copyReadOnly(source: string, target: string): void {
  copyFileSync(source, target);
  chmodSync(target, statSync(source).mode & 0o555);
}

function copyTree(source: string, target: string): void {
  mkdirSync(target, { recursive: true });
  const { status } = spawnSync('cp', ['-al', `${source}/.`, target], { env: systemVariables() });
  if (status !== 0) cpSync(source, target, { recursive: true });
}

/**
 * What of the checkout Docker would send: @returns the files at or under a path that .dockerignore lets through. The last
 * pattern that names a path or a folder above it decides.
 */
function buildContext(dockerignore: string): (path: string) => string[] {
  const rules = dockerignore
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ keeps: line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }));
  const isSent = (path: string) => rules.findLast(({ pattern }) => pattern.test(path))?.keeps ?? true;
  const filesUnder = (path: string): string[] => {
    if (!isSent(path)) return [];
    const entries = readdirSync(join(CHECKOUT, path), { withFileTypes: true });
    return entries.flatMap((entry) => {
      const inside = `${path}/${entry.name}`;
      return entry.isDirectory() ? filesUnder(inside) : isSent(inside) ? [inside] : [];
    });
  };
  return (path) => {
    const isFolder = readdirSync(CHECKOUT, { withFileTypes: true })
      .find(({ name }) => name === path)
      ?.isDirectory();
    return isFolder ? filesUnder(path) : isSent(path) ? [path] : [];
  };
}

/** Matches the path and everything under it. */
function patternOf(glob: string): RegExp {
  const parts = glob.split(/(\*\*\/?|\*|\?)/).map((part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    return part === '?' ? '[^/]' : part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}(?:/.*)?$`);
}

/**
 * Only root may write, but for the folders that were given to the user of the image, and /tmp.
 * @param uid of that user; undefined: the one that runs the test.
 */
export function closeImage({ root, writable }: Image, uid: number | undefined): void {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o555);
  }
  chmodSync(root, 0o555);
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const folder of writable) {
    chmodSync(join(root, folder), 0o755);
    if (uid !== undefined) chownSync(join(root, folder), uid, uid);
  }
}
