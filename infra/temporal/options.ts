/** How every connection to Temporal is made, the clients' and the workers': address, TLS, certificate or API key. */
import { getCACertificates } from 'node:tls';
import type { Config } from '../config.ts';
import { tlsAdvice, tlsOptions } from '../tls.ts';

export type TemporalConfig = Pick<Config, Extract<keyof Config, `TEMPORAL_${string}`>>;

/** For `Connection` and `NativeConnection`. */
export function temporalOptions(config: TemporalConfig) {
  const files = tlsOptions(config, 'TEMPORAL');
  const address = config.TEMPORAL_ADDRESS;
  if (!files) return { address, tls: false };
  const { ca, cert, key, servername } = files;
  const tls = {
    // The worker's native code does not know Node's certificate authorities, and the image has no others.
    serverRootCACertificate: Buffer.from(ca ?? getCACertificates('default').join('\n')),
    ...(cert && key ? { clientCertPair: { crt: Buffer.from(cert), key: Buffer.from(key) } } : {}),
    ...(servername ? { serverNameOverride: servername } : {}),
  };
  return { address, tls, ...(config.TEMPORAL_API_KEY ? { apiKey: config.TEMPORAL_API_KEY } : {}) };
}

/** Which setting helps against an error of a connection; undefined when none is known to. */
export function temporalAdvice(error: unknown, config: TemporalConfig): string | undefined {
  // What Node's gRPC and the worker's say.
  const unknown = /UNAUTHENTICATED|PERMISSION_DENIED|valid authentication|permission to execute/i;
  if (error instanceof Error && unknown.test(error.message))
    return 'Temporal does not let us in: check TEMPORAL_API_KEY, TEMPORAL_TLS_CERT and TEMPORAL_NAMESPACE.';
  return tlsAdvice(error, 'TEMPORAL', config.TEMPORAL_TLS && config.TEMPORAL_TLS_CERT === '');
}
