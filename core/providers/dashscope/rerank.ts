/**
 * Reranking at DashScope: qwen3-rerank stands under a base of its own in the flat form, the others (gte-rerank-v2,
 * qwen3-vl-rerank) under the native one (docs/providers.md).
 */
import { createRerankAdapter, flatBody } from '../openai/rerank.ts';
import type { RerankAdapter, RerankRequest, UpstreamTarget, VendorClients } from '../provider.ts';
import { classifyDashScope, host, nativeBase } from './native-call.ts';

const FLAT = /^qwen3-rerank/i;

export function createDashScopeRerank({ plain }: Pick<VendorClients, 'plain'>): RerankAdapter {
  return createRerankAdapter(plain, {
    place: ({ urlBase, model }) =>
      FLAT.test(model)
        ? { urlBase: `${host(urlBase)}/compatible-api/v1`, path: '/reranks' }
        : { urlBase: nativeBase(urlBase), path: '/services/rerank/text-rerank/text-rerank' },
    body: (target, request) => (FLAT.test(target.model) ? flatBody(target, request) : nativeBody(target, request)),
    classify: classifyDashScope,
  });
}

function nativeBody({ model }: UpstreamTarget, { query, documents, topN, extra }: RerankRequest): object {
  const parameters = { ...extra, ...(topN === undefined ? {} : { top_n: topN }), return_documents: false };
  return { model, input: { query, documents }, parameters };
}
