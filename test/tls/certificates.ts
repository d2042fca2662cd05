/** A certificate authority for a test, a server's and a client's certificate of it, and an authority that nobody trusts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';

export interface Certificates {
  readonly folder: string;
  /** Files in PEM. */
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
  /** Certificate and key in one, as MongoDB's clients take it. */
  readonly clientPair: string;
  readonly otherCa: string;
  remove(): void;
}

const OPTIONS = { keyType: 'ec', algorithm: 'sha256' } as const;

/** The server's is for `localhost` alone: by its address it is refused. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));
  const write = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const authority = await certificateAuthority('Test CA');
  const other = await certificateAuthority('Other CA');
  const ca = { key: authority.private, cert: authority.cert };
  const server = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...OPTIONS,
    ca,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  });
  const client = await generate([{ name: 'commonName', value: 'gateway' }], {
    ...OPTIONS,
    ca,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', clientAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'gateway' }] },
    ],
  });
  return {
    folder,
    ca: write('ca.pem', authority.cert),
    serverCert: write('server.pem', server.cert),
    serverKey: write('server.key', server.private),
    clientCert: write('client.pem', client.cert),
    clientKey: write('client.key', client.private),
    clientPair: write('client-pair.pem', `${client.cert}\n${client.private}`),
    otherCa: write('other-ca.pem', other.cert),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function certificateAuthority(name: string) {
  return generate([{ name: 'commonName', value: name }], {
    ...OPTIONS,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
}
