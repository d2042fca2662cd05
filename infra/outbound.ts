/**
 * The one way out: every HTTP call to a provider, a webhook or an image's address goes through this client. It calls
 * http(s) only, public addresses only (unless `host:port` is listed in OUTBOUND_PRIVATE_HOSTS), follows no redirect,
 * and ends every call in time and size. Connections are kept and pooled by origin.
 */
import { isIP } from 'node:net';
import { Agent, interceptors } from 'undici';
import type { Config } from './config.ts';
import {
  checkPort,
  hostKey,
  isInnerName,
  isPublicAddress,
  parsePrivateHosts,
  parseTarget,
} from './outbound/address.ts';
import type { CallLimits, OutboundAnswer, OutboundCall, Send } from './outbound/call.ts';
import { guardedConnector } from './outbound/connector.ts';
import { Exchange } from './outbound/exchange.ts';

export type { CallLimits, OutboundAnswer, OutboundCall, Send } from './outbound/call.ts';
export { type OutboundFailure, outboundFailure } from './outbound/failure.ts';

export type OutboundConfig = Pick<Config, 'OUTBOUND_PRIVATE_HOSTS' | 'SIMULATOR_URL'>;

export interface Outbound {
  /**
   * Sends one call; a 3xx, 4xx or 5xx is an answer, not an error.
   * @throws {AppError} `proxyFailed` for a refused address; otherwise the connection's own error, here and while the
   * answer is read. `outboundFailure` classifies them.
   */
  request(url: string, call: OutboundCall): Promise<OutboundAnswer>;
  /** Waits for running calls, then closes the connections. */
  close(): Promise<void>;
}

const MEGABYTE = 1024 * 1024;
const STREAM_MAX_BYTES = 256 * MEGABYTE;
const KEEP_ALIVE_MS = 30_000;
/** Size of the cache of parsed addresses; it is emptied when full (many different image addresses). */
const MAX_KNOWN_TARGETS = 1_000;

interface Target {
  readonly origin: string;
  readonly path: string;
}

export function createOutbound(config: OutboundConfig): Outbound {
  const agent = new Agent({
    connect: guardedConnector(allowedHosts(config)),
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxResponseSize: STREAM_MAX_BYTES,
  });
  // None is asked for, but some proxies compress all the same.
  const decoded = agent.compose(interceptors.decompress({ maxSize: STREAM_MAX_BYTES, skipErrorResponses: false }));
  const targets = new Map<string, Target>();

  const targetOf = (text: string): Target => {
    const known = targets.get(text);
    if (known !== undefined) return known;
    const url = parseTarget(text);
    const target = { origin: url.origin, path: url.pathname + url.search };
    if (targets.size >= MAX_KNOWN_TARGETS) targets.clear();
    targets.set(text, target);
    return target;
  };

  const request = async (url: string, call: OutboundCall): Promise<OutboundAnswer> => {
    const { limits, signal } = call;
    signal?.throwIfAborted();
    const target = targetOf(url);
    const exchange = new Exchange(limits, signal);
    decoded.dispatch(
      {
        origin: target.origin,
        path: target.path,
        method: call.method ?? 'GET',
        headers: call.headers ?? null,
        body: call.body ?? null,
        headersTimeout: Math.min(limits.firstByteMs, limits.totalMs),
        bodyTimeout: limits.idleMs,
      },
      exchange,
    );
    return exchange.answer;
  };

  return { request, close: () => agent.close() };
}

export function sendWithin(outbound: Pick<Outbound, 'request'>, limits: CallLimits): Send {
  return (url, call) => outbound.request(url, { ...call, limits });
}

/**
 * Makes a check of addresses that callers name for later: false for one that can be refused without a lookup (a scheme,
 * port, inner name or literal address that is not called). The client itself checks again when it calls.
 */
export function createAddressCheck(config: OutboundConfig): (url: string) => boolean {
  const allowed = allowedHosts(config);
  return (text) => {
    try {
      const url = parseTarget(text);
      const port = portOf(url);
      const host = url.hostname.replace(/^\[|\]$/g, '');
      if (allowed.has(hostKey(host, port))) return true;
      return checkPort(host, port) === undefined && (isIP(host) === 0 ? !isInnerName(host) : isPublicAddress(host));
    } catch {
      return false;
    }
  };
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
}

/** The simulator's address counts as listed. */
function allowedHosts(config: OutboundConfig): ReadonlySet<string> {
  const listed = parsePrivateHosts(config.OUTBOUND_PRIVATE_HOSTS);
  if (config.SIMULATOR_URL === '') return listed;
  const url = parseTarget(config.SIMULATOR_URL);
  return new Set([...listed, hostKey(url.hostname, portOf(url))]);
}
