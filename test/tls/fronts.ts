/** TLS before servers that speak none here: they ask for a client's certificate, and Temporal's for an API key. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer } from 'node:tls';
import type { Certificates } from './certificates.ts';

export interface Front {
  readonly port: number;
  /** Ends all connections, listens no more. */
  stop(): Promise<void>;
  /** On the same port. */
  start(): Promise<void>;
}

interface Listening {
  listen(port: number, host: string): unknown;
  address(): AddressInfo | string | null;
  close(): unknown;
  on(event: 'connection', listener: (socket: Duplex) => void): unknown;
}

function tlsOf({ ca, serverCert, serverKey }: Certificates) {
  const files = { ca: readFileSync(ca), cert: readFileSync(serverCert), key: readFileSync(serverKey) };
  return { ...files, requestCert: true, rejectUnauthorized: true };
}

async function front<Server extends Listening>(create: () => Server): Promise<Front> {
  let port = 0;
  let stop: Front['stop'] = async () => undefined;
  const start = async () => {
    const server = create();
    const sockets = new Set<Duplex>();
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    server.listen(port, '127.0.0.1');
    await once(server as never, 'listening');
    port = (server.address() as AddressInfo).port;
    stop = async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
  };
  await start();
  return { port, start, stop: () => stop() };
}

/** Passes everything on unchanged. */
export function tcpFront(target: { host: string; port: number }, certificates: Certificates): Promise<Front> {
  return front(() =>
    createServer(tlsOf(certificates), (client) => {
      const server = connect(target);
      const end = () => {
        client.destroy();
        server.destroy();
      };
      for (const socket of [client, server]) socket.on('error', end).on('close', end);
      client.pipe(server).pipe(client);
    }).on('tlsClientError', () => undefined),
  );
}

/** Passes on each call whose `authorization` is the key's; the others are UNAUTHENTICATED, as in Temporal Cloud. */
export function temporalFront(address: string, apiKey: string, certificates: Certificates): Promise<Front> {
  let session: ClientHttp2Session | undefined;
  const upstream = () => {
    if (!session || session.closed || session.destroyed) {
      session = connectHttp2(`http://${address}`).on('error', () => undefined);
      session.unref();
    }
    return session;
  };
  return front(() => {
    const server = createSecureServer(tlsOf(certificates));
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      if (headers.authorization === `Bearer ${apiKey}`) return passOn(stream, headers, upstream());
      const refusal = { 'grpc-status': '16', 'grpc-message': 'Request unauthorized.' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...refusal }, { endStream: true });
    });
    return server.on('sessionError', () => undefined).on('tlsClientError', () => undefined);
  });
}

function passOn(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, upstream: ClientHttp2Session): void {
  const call = upstream.request(headers);
  let trailers: IncomingHttpHeaders = {};
  call.on('response', (answer, flags) => {
    const endStream = (flags & 1) === 1;
    stream.respond(answer, { endStream, waitForTrailers: !endStream });
  });
  call.on('trailers', (late) => {
    trailers = late;
  });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.on('close', () => call.close());
  call.on('error', () => stream.close());
  stream.pipe(call);
  call.pipe(stream);
}
