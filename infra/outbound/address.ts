/** Which addresses a call may go to. Pure. */
import ipaddr from 'ipaddr.js';
import { AppError } from '../errors.ts';

/** Ports of public hosts; any other port needs its host listed. */
const PUBLIC_PORTS = new Set([80, 443, 8080, 8443]);
/** The only part of IPv6 that is assigned to public hosts. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');
/**
 * Registered as public, but inside a cloud they are its own services. Those of other clouds (169.254.0.0/16,
 * 100.64.0.0/10, 192.0.0.0/24, fd00::/8, …) are in special-purpose ranges.
 */
const CLOUD_SERVICES = [
  // Azure's wire server and DNS: learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
  '168.63.129.16/32',
  // IBM Cloud's service endpoints: cloud.ibm.com/docs/vpc, "Service endpoints for IBM Cloud VPC"
  '161.26.0.0/16',
  '166.8.0.0/14',
].map((range) => ipaddr.parseCIDR(range));
/**
 * Names that only an inner resolver knows (RFC 6761, RFC 6762, RFC 8375, ICANN's `.internal`, Kubernetes, customs of
 * office networks). They are refused without a lookup, because its duration would reveal whether the name exists.
 */
const INNER_DOMAINS = new Set([
  'localhost',
  'local',
  'internal',
  'arpa',
  'svc',
  'intranet',
  'private',
  'corp',
  'home',
  'lan',
  'onion',
]);

/** `host:port` pairs that may have any address. */
export type PrivateHosts = ReadonlySet<string>;

/** Reads `host:port` entries; IPv6 hosts are in brackets. @throws naming the wrong entry. */
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

/** One spelling for a host and port: lower case, without brackets. */
export function hostKey(host: string, port: number): string {
  return `${host.replace(/^\[|\]$/g, '').toLowerCase()}:${port}`;
}

/** Whether this is the address of a public host: not private, loopback, link-local, multicast, reserved or a tunnel. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed.kind() === 'ipv6') return parsed.match(GLOBAL_IPV6);
  return !CLOUD_SERVICES.some((range) => parsed.match(range));
}

/** Whether this is a name of an internal network: without a dot, or under a domain that is never public. */
export function isInnerName(host: string): boolean {
  const labels = host.toLowerCase().replace(/\.$/, '').split('.');
  return labels.length === 1 || INNER_DOMAINS.has(labels.at(-1) ?? '');
}

/** @returns why a host with these addresses must not be called: one address that is not public is enough. */
export function checkAddresses(host: string, port: number, addresses: readonly string[]): AppError | undefined {
  if (addresses.length > 0 && addresses.every(isPublicAddress)) return undefined;
  // The message does not name the address, because the caller may be exploring an internal network.
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
