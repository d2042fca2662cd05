/** Where a request comes from, as far as limits are concerned. */
import ipaddr from 'ipaddr.js';
import type { ApiContext } from './route-input.ts';

/** A household or a machine has at least this much of IPv6, so that single addresses mean nothing. */
const IPV6_PREFIX_BITS = 64;

/** An IPv4 address, or the /64 network of an IPv6 one. Behind trusted proxies it is what they report. */
export function clientAddress(ctx: ApiContext): string {
  const text = ctx.ip;
  if (!ipaddr.isValid(text)) return text;
  const address = ipaddr.process(text);
  if (address.kind() === 'ipv4') return address.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${IPV6_PREFIX_BITS}`)}/${IPV6_PREFIX_BITS}`;
}
