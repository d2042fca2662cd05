/** The OpenAPI document and a page that shows it. The page loads nothing from other hosts. */
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { documentExamples } from '../examples.ts';
import { BARE } from '../http/forms.ts';
import { openApiDocument } from '../http/openapi.ts';
import { ANSWERED, type Route, route } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';

const TAG = 'Service';
const DAY_SECONDS = 86_400;

const PAGE_FOLDER = join(import.meta.dirname, '../docs-page');
const PACKAGE_FOLDER = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));

/** Files of the page: their folders and types. */
const FILES = new Map([
  ['swagger-ui.css', { folder: PACKAGE_FOLDER, type: 'text/css; charset=utf-8' }],
  ['swagger-ui-bundle.js', { folder: PACKAGE_FOLDER, type: 'text/javascript; charset=utf-8' }],
  ['page.css', { folder: PAGE_FOLDER, type: 'text/css; charset=utf-8' }],
  ['start.js', { folder: PAGE_FOLDER, type: 'text/javascript; charset=utf-8' }],
]);

/** Swagger UI sets inline styles and has its icons in data URLs. Nothing else, and nothing from anywhere else. */
const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "connect-src 'self'", "style-src 'self' 'unsafe-inline'"],
  ...["img-src 'self' data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');

function sendFile(ctx: ApiContext, folder: string, name: string, type: string) {
  ctx.set('Content-Type', type);
  ctx.set('Content-Security-Policy', POLICY);
  ctx.body = createReadStream(join(folder, name));
  return ANSWERED;
}

/** `routes` is read when the document is asked for, so that it can contain these routes too. */
export function docsRoutes(routes: () => readonly Route[]): Route[] {
  let document: string | undefined;
  return [
    route({
      method: 'get',
      path: '/',
      operationId: 'showStart',
      summary: 'Leads a browser to the console, and other clients to the page of the API',
      tag: TAG,
      access: 'open',
      unknownFields: 'ignored',
      success: z.string().describe('That page, for clients that follow'),
      mediaType: 'text/html',
      otherAnswers: [{ status: 302, description: 'To /console or /docs', mediaType: 'text/html', schema: z.string() }],
      handler: ({ ctx }) => {
        // Claude Code asks whether there is a server at the address.
        if (ctx.method === 'HEAD') {
          ctx.status = 200;
          ctx.type = 'text/html';
          return ANSWERED;
        }
        const target = ctx.get('Accept').includes('text/html') ? '/console' : '/docs';
        ctx.status = 302;
        ctx.set('Location', target);
        ctx.vary('Accept');
        ctx.set('Content-Type', 'text/html; charset=utf-8');
        ctx.body = `<a href="${target}">LLM gateway</a>`;
        return ANSWERED;
      },
    }),
    route({
      method: 'get',
      path: '/openapi.json',
      operationId: 'getOpenApiDocument',
      summary: 'This description as OpenAPI 3.1',
      tag: TAG,
      access: 'open',
      unknownFields: 'ignored',
      success: z.looseObject({ openapi: z.string().describe('Version of OpenAPI') }),
      form: BARE,
      handler: ({ ctx }) => {
        document ??= JSON.stringify(openApiDocument(routes(), documentExamples()));
        ctx.set('Content-Type', 'application/json; charset=utf-8');
        ctx.body = document;
        return ANSWERED;
      },
    }),
    route({
      method: 'get',
      path: '/docs',
      operationId: 'showDocs',
      summary: 'This description as a page',
      tag: TAG,
      access: 'open',
      unknownFields: 'ignored',
      success: z.string(),
      mediaType: 'text/html',
      handler: ({ ctx }) => sendFile(ctx, PAGE_FOLDER, 'index.html', 'text/html; charset=utf-8'),
    }),
    route({
      method: 'get',
      path: '/docs/{file}',
      operationId: 'getDocsFile',
      summary: 'The files of that page',
      tag: TAG,
      access: 'open',
      unknownFields: 'ignored',
      params: z.object({ file: z.enum([...FILES.keys()]).describe('Name of the file') }),
      success: z.string(),
      mediaType: 'text/javascript',
      otherAnswers: [{ status: 200, description: 'The style', mediaType: 'text/css', schema: z.string() }],
      handler: ({ ctx, params }) => {
        const file = FILES.get(params.file);
        if (file === undefined) throw new TypeError(`no file ${params.file}`);
        ctx.set('Cache-Control', `public, max-age=${DAY_SECONDS}`);
        return sendFile(ctx, file.folder, params.file, file.type);
      },
    }),
  ];
}
