/** Documents in the order of what they say about a query, as Jina, Cohere, SiliconFlow, Zhipu and DashScope give it. */
import { isJsonObject, type JsonObject } from '../../../infra/json-object.ts';
import { type Classify, UpstreamFailure } from '../failure.ts';
import type { RankedDocument, RerankAdapter, RerankAnswer, RerankRequest, UpstreamTarget } from '../provider.ts';
import { readUsage } from '../usage.ts';
import type { Call, OpenAiClient } from './client.ts';
import { readObject } from './whole-answers.ts';

export interface RerankDialect {
  /** Where a model is called. */
  readonly place: (target: UpstreamTarget) => { readonly urlBase: string; readonly path: string };
  readonly body?: (target: UpstreamTarget, request: RerankRequest) => object;
  readonly classify: Classify;
}

/** Of Cohere, which counts one for a query with up to 100 documents. */
const MOST_SEARCH_UNITS = 1_000_000;

export function createRerankAdapter(client: OpenAiClient, dialect: RerankDialect): RerankAdapter {
  const { place, body = flatBody, classify } = dialect;
  return {
    rerank: async (target, request, { signal }) => {
      const { urlBase, path } = place(target);
      const call: Call = { urlBase, apiKey: target.apiKey, signal, classify };
      return answerOf(await readObject(await client.post(call, path, body(target, request)), call), request);
    },
  };
}

/** Documents are sent as texts, which all vendors take, and never asked back: we have them. */
export function flatBody({ model }: UpstreamTarget, { query, documents, topN, extra }: RerankRequest): object {
  return { ...extra, model, query, documents, ...(topN === undefined ? {} : { top_n: topN }) };
}

/** @throws {UpstreamFailure} for an answer without an order. */
function answerOf(body: JsonObject, request: RerankRequest): RerankAnswer {
  const meta = isJsonObject(body.meta) ? body.meta : {};
  const billed = isJsonObject(meta.billed_units) ? meta.billed_units : {};
  // SiliconFlow counts under `tokens`, Cohere under `meta`.
  const counted = [body.usage, body.tokens, meta.tokens, billed].find(
    (one) => isJsonObject(one) && readUsage(one) !== undefined,
  );
  const { search_units: units } = billed;
  const hasUnits = typeof units === 'number' && Number.isInteger(units) && units > 0 && units <= MOST_SEARCH_UNITS;
  return { ranked: rankedOf(body, request), usage: readUsage(counted), searchUnits: hasUnits ? units : undefined };
}

function rankedOf(body: JsonObject, { documents, topN = documents.length }: RerankRequest): RankedDocument[] {
  const places = [body.results, isJsonObject(body.output) ? body.output.results : undefined, body.data];
  const given = places.find(Array.isArray) ?? [];
  const byIndex = new Map<number, RankedDocument>();
  for (const one of given) {
    if (!isJsonObject(one)) continue;
    const { index, relevance_score: relevance, score = relevance } = one;
    const isPlace = typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < documents.length;
    if (!isPlace || typeof score !== 'number' || !Number.isFinite(score) || byIndex.has(index)) {
      throw new UpstreamFailure('transient', "the provider's order names no document, or one twice", { status: 200 });
    }
    byIndex.set(index, { index, score });
  }
  if (byIndex.size === 0) {
    throw new UpstreamFailure('transient', 'the provider gave no order of the documents', { status: 200 });
  }
  return [...byIndex.values()].sort((a, b) => b.score - a.score).slice(0, topN);
}
