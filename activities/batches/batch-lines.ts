/** The lines of a batch's file, and the lines of what comes of it, in OpenAI's form. Pure. */
import { z } from 'zod';
import { openAiErrorText, statusOf } from '../../infra/error-answers.ts';
import type { AppError } from '../../infra/errors.ts';
import { jsonExcess } from '../../infra/json-excess.ts';
import { isJsonObject, parseJson } from '../../infra/json-object.ts';

export const BATCH_ENDPOINTS = ['/v1/chat/completions', '/v1/embeddings'] as const;
export type BatchEndpoint = (typeof BATCH_ENDPOINTS)[number];

export const MOST_LINES = 10_000;
/** One request; without pictures none is near it. */
const MOST_LINE_BYTES = 4 * 1024 * 1024;
const MOST_CUSTOM_ID = 512;
const MOST_ERRORS = 20;

export const fileErrorsSchema = z.array(
  z.object({
    code: z.string(),
    message: z.string(),
    line: z.number().nullable(),
    param: z.string().nullable(),
  }),
);
export type FileError = z.output<typeof fileErrorsSchema>[number];

export interface BatchLine {
  /** From 0. */
  readonly line: number;
  readonly customId: string;
  /** The body as text. */
  readonly request: string;
}

/** The texts of a file's lines; empty ones are none. */
export async function* linesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      yield rest.toString('utf8', 0, end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MOST_LINE_BYTES) break;
  }
  if (rest.length > 0) yield rest.toString('utf8');
}

/** Collects lines and what is wrong with them. */
export class BatchInput {
  readonly errors: FileError[] = [];
  readonly #endpoint: BatchEndpoint;
  readonly #customIds = new Set<string>();
  #count = 0;

  constructor(endpoint: BatchEndpoint) {
    this.#endpoint = endpoint;
  }

  get count(): number {
    return this.#count;
  }

  /** Nothing more is of use. */
  get isHopeless(): boolean {
    return this.errors.length >= MOST_ERRORS || this.#count > MOST_LINES;
  }

  /** @returns undefined for what is no request. */
  add(text: string): BatchLine | undefined {
    if (text.trim() === '') return undefined;
    const line = this.#count;
    this.#count += 1;
    if (this.#count === MOST_LINES + 1) this.#wrong(null, 'too_many_tasks', `a batch has at most ${MOST_LINES} lines`);
    if (this.#count > MOST_LINES) return undefined;
    if (Buffer.byteLength(text) > MOST_LINE_BYTES) {
      return this.#wrong(line, 'request_too_large', `a line has at most ${MOST_LINE_BYTES / 1024 / 1024} MB`);
    }
    const excess = jsonExcess(Buffer.from(text));
    if (excess) return this.#wrong(line, 'invalid_json_line', `${excess.path} ${excess.message}`.trim());
    const asked = parseJson(text.replace(/^\uFEFF/, ''));
    if (!isJsonObject(asked)) return this.#wrong(line, 'invalid_json_line', 'is no JSON object');
    const { custom_id: customId, method, url, body } = asked;
    const isText = typeof customId === 'string' && customId.isWellFormed();
    if (!isText || customId === '' || customId.length > MOST_CUSTOM_ID) {
      return this.#wrong(line, 'invalid_custom_id', `must be a text of 1 to ${MOST_CUSTOM_ID} characters`, 'custom_id');
    }
    if (this.#customIds.has(customId)) {
      return this.#wrong(line, 'duplicate_custom_id', 'is that of an earlier line', 'custom_id');
    }
    this.#customIds.add(customId);
    if (method !== 'POST') return this.#wrong(line, 'invalid_method', 'must be POST', 'method');
    if (url !== this.#endpoint) {
      return this.#wrong(line, 'mismatched_endpoint', `must be ${this.#endpoint}, as the batch says`, 'url');
    }
    if (!isJsonObject(body)) return this.#wrong(line, 'invalid_body', 'must be an object', 'body');
    if (body.stream === true) return this.#wrong(line, 'invalid_body', 'cannot be streamed', 'body.stream');
    const request = JSON.stringify(body);
    // A number may be longer than it was written: 1e20 has 21 digits.
    if (Buffer.byteLength(request) > MOST_LINE_BYTES) {
      return this.#wrong(
        line,
        'request_too_large',
        `has at most ${MOST_LINE_BYTES / 1024 / 1024} MB with its numbers written out`,
        'body',
      );
    }
    return { line, customId, request };
  }

  /** Of a file without a single request. */
  finish(): void {
    if (this.#count === 0) this.#wrong(null, 'empty_file', 'the file has no requests');
  }

  #wrong(line: number | null, code: string, message: string, param: string | null = null): undefined {
    // As editors count.
    this.errors.push({ code, message, line: line === null ? null : line + 1, param });
    return undefined;
  }
}

/** The id of a line in the files that come of a batch. */
function lineId(batchId: string, line: number): string {
  return `batch_req_${batchId.replace(/^batch_/, '')}_${line}`;
}

/** @param body JSON text. */
export function answerLine(batchId: string, line: number, customId: string, requestId: string, body: string): string {
  return responseLine(batchId, line, customId, { status: 200, requestId, body });
}

/** Of a request that was answered with an error. */
export function errorLine(batchId: string, line: number, customId: string, requestId: string, error: AppError): string {
  return responseLine(batchId, line, customId, {
    status: statusOf(error.kind),
    requestId,
    body: openAiErrorText(error),
  });
}

interface LineResponse {
  readonly status: number;
  readonly requestId: string;
  /** JSON text. */
  readonly body: string;
}

function responseLine(batchId: string, line: number, customId: string, response: LineResponse): string {
  const head = JSON.stringify({ id: lineId(batchId, line), custom_id: customId }).slice(0, -1);
  const { status, requestId, body } = response;
  const id = JSON.stringify(requestId);
  return `${head},"response":{"status_code":${status},"request_id":${id},"body":${body}},"error":null}`;
}

/** Why a request was not run. */
export interface Unrun {
  readonly code: string;
  readonly message: string;
}

export function unrunLine(batchId: string, line: number, customId: string, { code, message }: Unrun): string {
  return JSON.stringify({ id: lineId(batchId, line), custom_id: customId, response: null, error: { code, message } });
}

/** What the owner may know of a batch's failure. */
export function batchError(error: AppError): { code: string; message: string; param: string | undefined } {
  const { providerCode, errors, param } = error.details;
  return {
    code: providerCode ?? String(error.code),
    message: errors?.[0] ? `${errors[0].path}: ${errors[0].message}` : error.message,
    param: param ?? errors?.[0]?.path,
  };
}
