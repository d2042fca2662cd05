/**
 * The pages of the console, as `console/build.ts` has built them. They are no operations of the API, so they are not
 * among its routes. Nothing of them comes from another host, and no script or style but their own runs.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Middleware } from 'koa';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import type { ApiContext, ApiState } from '../http/route-input.ts';

export type ConsoleConfig = Pick<Config, 'APP_TIME_ZONE' | 'CURRENCY' | 'PAYMENT_SANDBOX' | 'publicUrl'>;

const BUILT = join(import.meta.dirname, '../../console/dist');
const PREFIX = '/console';
const YEAR_SECONDS = 31_536_000;
const NONCE_BYTES = 16;

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const ENCODINGS = ['br', 'gzip'] as const;
const SUFFIXES = { br: '.br', gzip: '.gz' } as const;

interface File {
  readonly type: string;
  /** Names of files have a hash of their content, but for the icon. */
  readonly isHashed: boolean;
  readonly content: Buffer;
  readonly compressed: Readonly<Partial<Record<keyof typeof SUFFIXES, Buffer>>>;
}

interface Site {
  readonly page: string;
  readonly files: ReadonlyMap<string, File>;
}

/** All of it is less than two megabytes, so it is read once. */
function readSite(folder: string): Site | undefined {
  if (!existsSync(join(folder, 'index.html'))) return undefined;
  const files = new Map<string, File>();
  const add = (name: string, isHashed: boolean) => {
    const type = TYPES[extname(name)];
    if (type === undefined) return;
    const path = join(folder, name);
    const copies = Object.entries(SUFFIXES).filter(([, suffix]) => existsSync(path + suffix));
    const compressed = Object.fromEntries(copies.map(([encoding, suffix]) => [encoding, readFileSync(path + suffix)]));
    files.set(name, { type, isHashed, content: readFileSync(path), compressed });
  };
  for (const name of readdirSync(folder)) add(name, false);
  for (const name of readdirSync(join(folder, 'assets'))) add(`assets/${name}`, true);
  return { page: readFileSync(join(folder, 'index.html'), 'utf8'), files };
}

/** Mantine puts styles into the page, each with the nonce. Pictures come from here, or were made in the page. */
function policyOf(nonce: string): string {
  return [
    ...["default-src 'none'", "script-src 'self'", "connect-src 'self'", `style-src 'self' 'nonce-${nonce}'`],
    // Speech is fetched with the session, and played from the page.
    'media-src blob:',
    ...["img-src 'self' data: blob:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; ');
}

function inAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

function sendPage(ctx: ApiContext, { page }: Site, settings: string): void {
  const nonce = randomBytes(NONCE_BYTES).toString('base64');
  ctx.set('Content-Security-Policy', policyOf(nonce));
  ctx.set('Cache-Control', 'no-cache');
  ctx.type = 'text/html; charset=utf-8';
  ctx.body = page.replace('{{nonce}}', nonce).replace('{{settings}}', () => inAttribute(settings));
}

function sendFile(ctx: ApiContext, { type, isHashed, content, compressed }: File): void {
  // Browsers name gzip first; the smallest copy that they take is the best one.
  const encoding = ENCODINGS.find((name) => compressed[name] !== undefined && ctx.acceptsEncodings(name) === name);
  const copy = encoding === undefined ? undefined : compressed[encoding];
  ctx.set('Cache-Control', isHashed ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache');
  ctx.vary('Accept-Encoding');
  ctx.type = type;
  if (encoding !== undefined) ctx.set('Content-Encoding', encoding);
  ctx.body = copy ?? content;
}

/** @param folder where the console was built. */
export function consolePages(config: ConsoleConfig, folder = BUILT): Middleware<ApiState> {
  const { APP_TIME_ZONE: timeZone, CURRENCY: currency, PAYMENT_SANDBOX: paymentSandbox, publicUrl } = config;
  const settings = JSON.stringify({ timeZone, currency, paymentSandbox, publicUrl });
  let site: Site | undefined;
  return (ctx, next) => {
    if (ctx.path !== PREFIX && !ctx.path.startsWith(`${PREFIX}/`)) return next();
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return next();
    ctx.state.routePath = PREFIX;
    site ??= readSite(folder);
    if (site === undefined) throw new AppError('noSuchPath', 'the console is not built: npm start builds it');
    const name = ctx.path.slice(PREFIX.length + 1);
    const file = site.files.get(name);
    if (file) sendFile(ctx, file);
    else if (extname(name) === '') sendPage(ctx, site, settings);
    // Whoever has followed a broken link sees the console, and no router is given the address of another host.
    else if (ctx.get('Accept').includes('text/html')) ctx.redirect(PREFIX);
    else throw new AppError('noSuchPath', 'the console has no such file');
    return undefined;
  };
}
