/** The OpenAPI document and a page that shows it, from files of an installed package: no outside hosts. */
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { BARE } from '../http/forms.ts';
import { openApiDocument } from '../http/openapi.ts';
import { ANSWERED, type Answered, type Route, route } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';

const TAG = 'Service';
const DAY_SECONDS = 86_400;

/** Served files of swagger-ui-dist and their types. */
const FILES = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
]);

const START_SCRIPT = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#page', deepLinking: true });`;

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>API</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="page"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body>
</html>
`;

/** The page needs inline styles and pictures of its own, nothing else from anywhere. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

function answerText(ctx: ApiContext, type: string, text: string): Answered {
  ctx.set('Content-Type', type);
  ctx.set('Content-Security-Policy', POLICY);
  ctx.body = text;
  return ANSWERED;
}

/** `routes` is read when the document is asked for, so that it can contain these routes too. */
export function docsRoutes(routes: () => readonly Route[], publicUrl: string): Route[] {
  const packageFolder = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));
  let document: string | undefined;
  return [
    route({
      method: 'get',
      path: '/openapi.json',
      summary: 'This description as OpenAPI 3.1',
      tag: TAG,
      access: 'open',
      unknownFields: 'ignored',
      success: z.looseObject({ openapi: z.string() }),
      form: BARE,
      handler: ({ ctx }) => {
        document ??= JSON.stringify(openApiDocument(routes(), publicUrl));
        return answerText(ctx, 'application/json; charset=utf-8', document);
      },
    }),
    route({
      method: 'get',
      path: '/docs',
      summary: 'This description as a page',
      tag: TAG,
      access: 'open',
      unknownFields: 'ignored',
      success: z.string(),
      mediaType: 'text/html',
      handler: ({ ctx }) => answerText(ctx, 'text/html; charset=utf-8', PAGE),
    }),
    route({
      method: 'get',
      path: '/docs/{file}',
      summary: 'The files of that page',
      tag: TAG,
      access: 'open',
      unknownFields: 'ignored',
      params: z.object({ file: z.enum(['start.js', ...FILES.keys()]) }),
      success: z.string(),
      mediaType: 'text/javascript',
      otherAnswers: [{ status: 200, description: 'The style', mediaType: 'text/css', schema: z.string() }],
      handler: ({ ctx, params }) => {
        const type = FILES.get(params.file);
        if (type === undefined) return answerText(ctx, 'text/javascript; charset=utf-8', START_SCRIPT);
        ctx.set('Content-Type', type);
        ctx.set('Cache-Control', `public, max-age=${DAY_SECONDS}`);
        ctx.body = createReadStream(join(packageFolder, params.file));
        return ANSWERED;
      },
    }),
  ];
}
