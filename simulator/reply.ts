/** Replies that are one body, with the faults that spoil a body. */
import { Buffer } from 'node:buffer';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Call } from './call.ts';
import type { Wire } from './faults/fault.ts';
import type { CountedUsage } from './journal/call-record.ts';
import type { VendorError } from './vendor.ts';

export interface Delivery {
  usage: CountedUsage;
  tokens: number;
  images: number;
}

/** Sends a JSON body and records what it delivers once the last byte is handed to the connection. */
export function replyJson(call: Call, body: unknown, delivery?: Delivery): void {
  const { record, response } = call;
  if (delivery) record.usage = delivery.usage;
  const text = JSON.stringify(body);
  if (call.faults.has('cut')) {
    sendHalf(call, text);
    return;
  }
  call.settle = () => {
    if (!delivery || !response.writableFinished || call.faults.has('malformed')) return;
    record.delivered.chunks = 1;
    record.delivered.tokens = delivery.tokens;
    record.delivered.images = delivery.images;
  };
  send(call, 200, 'application/json', call.faults.has('malformed') ? text.slice(0, text.length / 2) : text);
}

const CODINGS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };

/** Sends a text as its bytes come from vendors and proxies with habits of their own. */
export function replyOnWire(call: Call, wire: Wire, text: string, contentType: string, delivery: Delivery): void {
  const { record, response } = call;
  record.usage = delivery.usage;
  call.settle = () => {
    if (response.writableFinished) Object.assign(record.delivered, { chunks: 1, tokens: delivery.tokens });
  };
  const plain = Buffer.from((wire.before ?? '') + text);
  const bytes = wire.coding ? CODINGS[wire.coding](plain) : plain;
  if (wire.coding) response.setHeader('content-encoding', wire.coding);
  record.status = 200;
  response.writeHead(200, { 'content-type': wire.contentType ?? contentType, 'content-length': bytes.length });
  response.end(bytes);
}

/** Sends an error in the vendor's form. */
export function replyError(call: Call, error: VendorError, status = error.status): void {
  call.finishAs = 'refused';
  if (error.retryAfterSeconds !== undefined) call.response.setHeader('retry-after', String(error.retryAfterSeconds));
  send(call, status, 'application/json', JSON.stringify(call.vendor.errorBody(error, call.requestId)));
}

/** What a proxy in front of the vendor answers when the vendor is not there. */
export function replyHtml(call: Call): void {
  const page = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>';
  call.finishAs = 'refused';
  send(call, 502, 'text/html', page);
}

function send(call: Call, status: number, contentType: string, text: string): void {
  call.record.status = status;
  call.response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  call.response.end(text);
}

/** Announces the whole length, sends half of it and closes the connection. */
function sendHalf(call: Call, text: string): void {
  const bytes = Buffer.from(text);
  call.record.status = 200;
  call.response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
  call.response.write(bytes.subarray(0, bytes.length / 2), () => call.cut());
}
