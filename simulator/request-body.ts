/** Reads a request's body: JSON, or a multipart form with files. */
import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

const MAX_BODY_BYTES = 64 * 1024 * 1024;

export type RequestBody = { ok: true; fields: Record<string, unknown> } | { ok: false; reason: string };

/** An empty body is an empty object. Form fields with several values, and files, become lists and Blobs. */
export async function readRequestBody(request: IncomingMessage): Promise<RequestBody> {
  const bytes = await readBytes(request);
  if (bytes === undefined) return { ok: false, reason: `The body is larger than ${MAX_BODY_BYTES} bytes.` };
  if (bytes.length === 0) return { ok: true, fields: {} };
  const contentType = request.headers['content-type'] ?? '';
  if (contentType.startsWith('multipart/form-data')) return readForm(bytes, contentType);
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return { ok: true, fields: { ...parsed } };
    }
    return { ok: false, reason: 'The body is not a JSON object.' };
  } catch {
    return { ok: false, reason: 'The body is not valid JSON.' };
  }
}

async function readBytes(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    const bytes = Buffer.from(part);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) return undefined;
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

async function readForm(bytes: Buffer, contentType: string): Promise<RequestBody> {
  try {
    const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } }).formData();
    const fields: Record<string, unknown> = {};
    for (const name of new Set(form.keys())) {
      const values = form.getAll(name);
      fields[name] = values.length === 1 ? values[0] : values;
    }
    return { ok: true, fields };
  } catch {
    return { ok: false, reason: 'The multipart form cannot be read.' };
  }
}
