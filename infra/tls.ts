/**
 * TLS to MySQL, Redis and Temporal: the same five settings for each, under its prefix. A certificate is always checked,
 * its name too. MongoDB has the same as options of MONGODB_URI.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

export type TlsPrefix = 'DB' | 'REDIS' | 'TEMPORAL';

const FILES = ['CA', 'CERT', 'KEY'] as const;

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

export type TlsSettings = Readonly<
  Partial<
    Record<`${TlsPrefix}_TLS`, boolean> & Record<`${TlsPrefix}_TLS_${(typeof FILES)[number] | 'SERVER_NAME'}`, string>
  >
>;

/** As Node's `tls.connect` takes them, in PEM. Without `ca` it trusts the public authorities. */
export interface TlsOptions {
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
}

/** @returns undefined if TLS is off. Reads the files at each call. */
export function tlsOptions(settings: TlsSettings, prefix: TlsPrefix): TlsOptions | undefined {
  if (!settings[`${prefix}_TLS`]) return undefined;
  const [ca, cert, key] = FILES.map((part) => settings[`${prefix}_TLS_${part}`]);
  const servername = settings[`${prefix}_TLS_SERVER_NAME`];
  return {
    ...(ca ? { ca: readFileSync(ca, 'utf8') } : {}),
    ...(cert ? { cert: readFileSync(cert, 'utf8') } : {}),
    ...(key ? { key: readFileSync(key, 'utf8') } : {}),
    ...(servername ? { servername } : {}),
  };
}

/** What is wrong with the settings of one server, a line for each, beginning with the variable. */
export function tlsProblems(settings: TlsSettings, prefix: TlsPrefix): string[] {
  const name = `${prefix}_TLS` as const;
  const given = [...FILES, 'SERVER_NAME' as const].filter((part) => settings[`${name}_${part}`]);
  if (!settings[name]) return given.map((part) => `${name}_${part}: has no effect while ${name} is not true`);
  const problems = FILES.flatMap((part) => {
    const path = settings[`${name}_${part}`];
    const problem = path ? fileProblem(path, part) : undefined;
    return problem === undefined ? [] : [`${name}_${part}: ${problem}`];
  });
  for (const [one, other] of [['CERT', 'KEY'] as const, ['KEY', 'CERT'] as const]) {
    if (given.includes(one) && !given.includes(other))
      problems.push(`${name}_${other}: must be set with ${name}_${one}`);
  }
  if (problems.length > 0 || !given.includes('CERT')) return problems;
  try {
    createSecureContext(tlsOptions(settings, prefix));
    return [];
  } catch {
    return [`${name}_KEY: is not the key of ${name}_CERT`];
  }
}

/** What is wrong with a PEM file; undefined if it can be used. The text never contains any of the file. */
export function fileProblem(path: string, part: (typeof FILES)[number]): string | undefined {
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return `${path} cannot be read (${code})`;
  }
  try {
    if (part === 'KEY') createPrivateKey(pem);
    else for (const certificate of pem.match(CERTIFICATES) ?? ['']) new X509Certificate(certificate);
    return undefined;
  } catch {
    return part === 'KEY' ? `${path} has no PEM key without a password` : `${path} has no PEM certificate`;
  }
}

/** Where the settings of a server are named in advice. */
const NAMES = {
  DB: { ca: 'DB_TLS_CA', own: 'DB_TLS_CERT and DB_TLS_KEY', name: 'DB_TLS_SERVER_NAME', on: 'DB_TLS' },
  REDIS: {
    ca: 'REDIS_TLS_CA',
    own: 'REDIS_TLS_CERT and REDIS_TLS_KEY',
    name: 'REDIS_TLS_SERVER_NAME',
    on: 'REDIS_TLS',
  },
  TEMPORAL: {
    ca: 'TEMPORAL_TLS_CA',
    own: 'TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY',
    name: 'TEMPORAL_TLS_SERVER_NAME',
    on: 'TEMPORAL_TLS',
  },
  MONGODB: {
    ca: 'tlsCAFile in MONGODB_URI',
    own: 'tlsCertificateKeyFile in MONGODB_URI',
    name: 'a host in MONGODB_URI that the certificate names',
    on: 'tls in MONGODB_URI',
  },
} as const;

/**
 * Which setting helps against a connection that failed over TLS; undefined when it failed for another reason. Known by
 * the texts of OpenSSL (Node's sockets) and rustls (Temporal's worker), the only form in which all drivers pass them on.
 * @param uncertified TLS is on, without a certificate of ours. In TLS 1.3 a server that asks for one may be heard no more
 * than to hang up.
 */
export function tlsAdvice(error: unknown, server: keyof typeof NAMES, uncertified = false): string | undefined {
  const { ca, own, name, on } = NAMES[server];
  const text = textOf(error);
  if (/self-signed|unable to (verify|get)|UnknownIssuer|unknown ca\b/i.test(text))
    return `The server's certificate is not signed by an authority that is trusted here: set ${ca} to the PEM file of its CA.`;
  if (/ALTNAME_INVALID|does not match certificate|NotValidForName|not valid for name/i.test(text))
    return `The server's certificate is for another host name: set ${name}.`;
  if (/certificate (has )?expired|CERT_HAS_EXPIRED|not yet valid|InvalidCertificate\(Expired/i.test(text))
    return "The server's certificate is not valid at this time: renew it, or put this machine's clock right.";
  if (/certificate[ _]?required|handshake[ _]failure|bad certificate|HandshakeFailure|BadCertificate/i.test(text))
    return `The server asks for a client's certificate that it trusts: set ${own}.`;
  if (/wrong version number|packet length too long|NO_SSL_SUPPORT|InvalidContentType|corrupt message/i.test(text))
    return `The server does not speak TLS at this address: correct the address, or turn ${on} off.`;
  if (/SECURE_TRANSPORT_REQUIRED|insecure transport/i.test(text))
    return `The server takes encrypted connections only: set ${on}.`;
  if (uncertified && /ECONNRESET|EPIPE|Canceled|Connection dropped/.test(text))
    return `The server closes the connection: where it asks for a client's certificate, set ${own}.`;
  return undefined;
}

/** Messages and codes of an error and its causes. */
function textOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 5) return '';
  const code = 'code' in error ? ` ${error.code}` : '';
  const rest = error instanceof AggregateError ? error.errors : [error.cause];
  return [`${error.message}${code}`, ...rest.map((inner) => textOf(inner, depth + 1))].join('\n');
}
