/**
 * Builds the console: the types of the API's document, Vite's bundle, and compressed copies of its files. Does nothing
 * where the last build was made from the same files. `node console/build.ts` builds, with `--types` the types alone.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'vite';
import { writeTypes } from './types.ts';

const CHECKOUT = resolve(import.meta.dirname, '..');
const OUTPUT = join(import.meta.dirname, 'dist');
const STAMP = 'STAMP';
const COMPRESSED = /\.(js|css|svg)$/;
/** Below this a packet holds it anyway. */
const SMALLEST_BYTES = 1_000;

/** Of all that the bundle is made from: its sources, the API, which says which fields are money, and the packages. */
function contentHash(): string {
  const patterns = ['console/*.{ts,json,html}', 'console/{src,public}/**/*', 'api/**/*.ts', 'package-lock.json'];
  const files = globSync(patterns, { cwd: CHECKOUT, withFileTypes: true }).filter((entry) => entry.isFile());
  const hash = createHash('sha256');
  for (const path of files.map((file) => join(file.parentPath, file.name)).sort()) {
    if (path.includes('/generated/') || path.endsWith('.test.ts')) continue;
    hash
      .update(`${path.slice(CHECKOUT.length)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return hash.digest('hex');
}

function isFresh(hash: string): boolean {
  const stamp = join(OUTPUT, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
}

function compress(folder: string): void {
  for (const name of readdirSync(folder).filter((file) => COMPRESSED.test(file))) {
    const content = readFileSync(join(folder, name));
    if (content.length < SMALLEST_BYTES) continue;
    const size = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content, { params: size }));
    writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
  }
}

/** Made beside the old one and put in its place at once, so that a running API never meets half of it. */
async function bundle(hash: string): Promise<void> {
  const made = `${OUTPUT}-${process.pid}`;
  const old = `${made}-old`;
  await build({ root: import.meta.dirname, logLevel: 'warn', build: { outDir: made } });
  mkdirSync(join(made, 'assets'), { recursive: true });
  compress(join(made, 'assets'));
  writeFileSync(join(made, STAMP), hash);
  if (existsSync(OUTPUT)) renameSync(OUTPUT, old);
  renameSync(made, OUTPUT);
  rmSync(old, { recursive: true, force: true });
}

const hash = contentHash();
const typesOnly = process.argv.includes('--types');
if (typesOnly || !isFresh(hash)) {
  await writeTypes();
  if (!typesOnly) await bundle(hash);
}
