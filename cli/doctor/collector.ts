/** The collector of traces, where telemetry is on: reachable, and taking spans under the headers of the settings. */
import type { Config } from '../../infra/config.ts';
import { tracesUrl } from '../../infra/telemetry/collector.ts';
import { type Finding, look, TIMEOUT_MS } from './finding.ts';

const PART = 'Traces';
/** A busy server answers late. */

export function lookAtCollector(config: Config): Promise<Finding[]> {
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === '') {
    return Promise.resolve([{ part: PART, state: 'good', text: 'off: OTEL_EXPORTER_OTLP_ENDPOINT is not set' }]);
  }
  const where = config.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/\/[^@/]*@/, '//').replace(/\?.*/, '');
  const advice = `Start the collector, or set OTEL_EXPORTER_OTLP_ENDPOINT (now ${where}; empty for no traces) and OTEL_EXPORTER_OTLP_HEADERS. Requests go on without it; their spans are lost.`;
  return look(PART, advice, async () => {
    const status = await exportNothing(config);
    if (status >= 200 && status < 300)
      return [{ part: PART, state: 'good', text: `taken by the collector at ${where}` }];
    const text = `the collector at ${where} answers ${status}`;
    return [{ part: PART, state: 'bad', text, advice: status === 401 || status === 403 ? HEADERS_ADVICE : advice }];
  });
}

const HEADERS_ADVICE = 'Set OTEL_EXPORTER_OTLP_HEADERS to what the collector asks for (authorization=Bearer%20…).';

/** An export without spans, which a collector must take like any other. @returns the status of its answer. */
async function exportNothing(config: Config): Promise<number> {
  try {
    const answer = await fetch(tracesUrl(config), {
      method: 'POST',
      headers: { ...config.OTEL_EXPORTER_OTLP_HEADERS, 'content-type': 'application/json' },
      body: '{"resourceSpans":[]}',
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await answer.body?.cancel();
    return answer.status;
  } catch (error) {
    const { cause } = error instanceof Error ? error : { cause: undefined };
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new Error(`does not answer${code}`, { cause: error });
  }
}
