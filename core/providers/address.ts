/** What a provider's base URL says: its one spelling, and the kind of interface behind it. Pure. */
import { invalid } from '../../infra/errors.ts';
import type { ProviderKind } from './provider.ts';
import { kindOfHost } from './vendors.ts';

const MAX_LENGTH = 500;
/** RFC 1035, 2.3.4. */
const MAX_LABEL_LENGTH = 63;
const MAX_NAME_LENGTH = 253;

/** Endpoints that people copy along with the base. */
const ENDPOINTS = [
  '/chat/completions',
  '/completions',
  '/messages/count_tokens',
  '/messages',
  '/responses',
  '/embeddings',
  '/images/generations',
  '/images/edits',
  '/models',
];
/** DashScope's own endpoints stand below this. */
const DASHSCOPE_SERVICES = /\/services\/aigc\/.*$/;

/**
 * The base URL without an endpoint or slash at its end.
 * @throws {AppError} invalidParameter for `urlBase` when it is no http(s) URL, or carries user info, query or fragment.
 */
export function normalizeUrlBase(text: string): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  const complaint = url === undefined ? 'must be an http or https address' : complaintAbout(url);
  if (url === undefined || complaint !== undefined) {
    throw invalid([{ path: 'urlBase', message: complaint ?? '' }]);
  }
  let path = url.pathname.replace(/\/+$/, '').replace(DASHSCOPE_SERVICES, '');
  const endpoint = ENDPOINTS.find((candidate) => path.endsWith(candidate));
  if (endpoint !== undefined) path = path.slice(0, -endpoint.length);
  return url.origin + path.replace(/\/+$/, '');
}

function complaintAbout(url: URL): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must be an http or https address';
  if (url.username !== '' || url.password !== '') return 'must not carry a user name or password';
  if (url.search !== '' || url.hash !== '') return 'must not carry a query or fragment';
  if (!isHostName(url.hostname)) {
    return `must have a host name of at most ${MAX_NAME_LENGTH} characters, and at most ${MAX_LABEL_LENGTH} between two dots`;
  }
  return url.href.length > MAX_LENGTH ? `must have at most ${MAX_LENGTH} characters` : undefined;
}

/** A literal address passes, too; a dot at the end is that of the root. */
function isHostName(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '');
  const labels = name.split('.');
  return name.length <= MAX_NAME_LENGTH && labels.every(({ length }) => length > 0 && length <= MAX_LABEL_LENGTH);
}

/** Scheme, host or port differ. */
export function isOtherServer(urlBase: string, other: string): boolean {
  return new URL(urlBase).origin !== new URL(other).origin;
}

/**
 * The kind of a provider that gets another base and no kind with it: what the new host says. Elsewhere a kind that only
 * followed from the old host does not go along, one that somebody chose does.
 */
export function kindAfterMove(before: { kind: ProviderKind; urlBase: string }, urlBase: string): ProviderKind {
  const followed = before.urlBase !== '' && kindOfHost(before.urlBase) === before.kind;
  const sameServer = before.urlBase !== '' && urlBase !== '' && !isOtherServer(before.urlBase, urlBase);
  if (sameServer || urlBase === '') return before.kind;
  return kindOfHost(urlBase) ?? (followed ? 'openai' : before.kind);
}
