/**
 * Opens the sockets of the outbound client, and is where every address is checked: a kept-alive connection is to a
 * checked address, so requests on it need no check of their own, and no second lookup can give another answer.
 */
import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { checkAddresses, checkPort, hostKey, isInnerName, type PrivateHosts } from './address.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** Looks the name up and refuses it when any of its addresses is not public. */
function guardedLookup(port: number): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      const found = addresses ?? [];
      const texts = found.map(({ address }) => address);
      const refused: Error | null = error ?? checkAddresses(host, port, texts) ?? null;
      if (refused !== null) callback(refused, '', 0);
      else if (options.all) callback(null, found);
      else callback(null, texts[0] ?? '', found[0]?.family ?? 0);
    });
  };
}

export function guardedConnector(privateHosts: PrivateHosts): buildConnector.connector {
  // HTTP/1.1 only, so that a call which hangs or breaks does not affect others.
  const options = { timeout: CONNECT_TIMEOUT_MS, allowH2: false };
  const open = buildConnector(options);
  const guarded = new Map<number, buildConnector.connector>();

  const connectorFor = (host: string, port: number): buildConnector.connector => {
    if (privateHosts.has(hostKey(host, port))) return open;
    // A literal address needs no lookup; an internal name is not looked up at all.
    const known = isIP(host) !== 0 ? [host] : isInnerName(host) ? [] : undefined;
    const refused = checkPort(host, port) ?? (known && checkAddresses(host, port, known));
    if (refused !== undefined) throw refused;
    // One connector for each port, because it caches TLS sessions.
    const connector = guarded.get(port) ?? buildConnector({ ...options, lookup: guardedLookup(port) });
    guarded.set(port, connector);
    return connector;
  };

  return (target, callback) => {
    const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80);
    try {
      // Returned although typed void: undici destroys the socket of a connect that is no longer wanted.
      return connectorFor(target.hostname, port)(target, callback);
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), null);
    }
  };
}
