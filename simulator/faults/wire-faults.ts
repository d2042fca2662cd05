/** Bodies that are not what was asked for or what their header says. The answer comes in one piece. */
import type { Fault } from './fault.ts';

const BOM = '\uFEFF';

export const WIRE_FAULTS = {
  'sse-for-json': {
    does: 'streams where a whole answer was asked for',
    seen: 'new-api channels',
    wire: { as: 'stream' },
  },
  'json-for-sse': { does: 'answers whole where a stream was asked for', seen: 'proxies', wire: { as: 'whole' } },
  ndjson: {
    does: 'one object a line instead of events',
    seen: "Ollama's own interface",
    wire: { as: 'lines', contentType: 'application/x-ndjson' },
  },
  'says-text': { does: 'what was asked for, as text/plain', wire: { contentType: 'text/plain; charset=utf-8' } },
  'says-json': { does: 'what was asked for, as application/json', wire: { contentType: 'application/json' } },
  'says-sse': { does: 'what was asked for, as text/event-stream', wire: { contentType: 'text/event-stream' } },
  bom: { does: 'a byte order mark before everything', seen: 'IIS in front of a server', wire: { before: BOM } },
  gzip: { does: 'compressed without being asked', seen: 'proxies', wire: { coding: 'gzip' } },
  deflate: { does: 'compressed without being asked', seen: 'proxies', wire: { coding: 'deflate' } },
  br: { does: 'compressed without being asked', seen: 'Cloudflare', wire: { coding: 'br' } },
} as const satisfies Record<string, Fault>;
