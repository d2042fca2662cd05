/** Which addresses a call may go to. Pure. */
import ipaddr from 'ipaddr.js';
import { AppError } from '../errors.ts';

/** Ports of public hosts; any other port needs its host listed. */
const PUBLIC_PORTS = new Set([80, 443, 8080, 8443]);
/** The only part of IPv6 that is handed out to public hosts. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');

/** `host:port` pairs that may have any address. */
export type PrivateHosts = ReadonlySet<string>;

/** Reads `host:port` entries; IPv6 hosts stand in brackets. @throws naming the entry that is no such pair. */
export function parsePrivateHosts(entries: readonly string[]): PrivateHosts {
  return new Set(
    entries.map((entry) => {
      const match = /^(\[[0-9a-f:.]+\]|[^\s:/@]+):(\d{1,5})$/i.exec(entry);
      if (match?.[1] === undefined)
        throw new Error(`OUTBOUND_PRIVATE_HOSTS or WEBHOOK_PRIVATE_HOSTS: "${entry}" is not host:port`);
      return hostKey(match[1], Number(match[2]));
    }),
  );
}

/** One spelling for a host and port, whatever the case and with or without brackets. */
export function hostKey(host: string, port: number): string {
  return `${host.replace(/^\[|\]$/g, '').toLowerCase()}:${port}`;
}

/** Whether this is the address of a public host: not private, loopback, link-local, multicast, reserved or a tunnel. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_IPV6);
}

/** @returns why a host with these addresses must not be called: one address that is not public is enough. */
export function checkAddresses(host: string, port: number, addresses: readonly string[]): AppError | undefined {
  if (addresses.length > 0 && addresses.every(isPublicAddress)) return undefined;
  // Which address it is stays unsaid: the caller may be asking about an inner network.
  return refusal(`${host} does not have a public address`, host, port);
}

/** @returns why a host that is not listed must not be called on this port. */
export function checkPort(host: string, port: number): AppError | undefined {
  if (PUBLIC_PORTS.has(port)) return undefined;
  return refusal(`port ${port} of ${host} is none of ${[...PUBLIC_PORTS].join(', ')}`, host, port);
}

function refusal(reason: string, host: string, port: number): AppError {
  return new AppError('proxyFailed', `${reason}; list ${host}:${port} in OUTBOUND_PRIVATE_HOSTS if it is meant`);
}

/** @throws {AppError} when the text is no http(s) URL, or carries user info. */
export function parseTarget(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new AppError('proxyFailed', 'only http and https addresses can be called');
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('proxyFailed', 'an address must not carry a user name or password');
  }
  return url;
}
