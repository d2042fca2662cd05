/** The collector of the settings that takes spans. Loads nothing of OpenTelemetry. */
import type { Config } from '../config.ts';

/** Where spans are posted, as OTLP over HTTP has it. */
export function tracesUrl({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }: Pick<Config, 'OTEL_EXPORTER_OTLP_ENDPOINT'>) {
  return `${endpoint.replace(/\/+$/, '')}/v1/traces`;
}
