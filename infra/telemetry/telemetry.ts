/** Telemetry as the processes start it: off, and then nothing of OpenTelemetry is loaded, unless a collector is named. */
import type { Config } from '../config.ts';
import type { Logger } from '../logger.ts';
import type { Telemetry } from './otlp.ts';

/** Before anything is served. @returns undefined when telemetry is off. */
export async function startTelemetry(
  config: Config,
  part: 'api' | 'worker',
  log: Logger,
): Promise<Telemetry | undefined> {
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === '') return undefined;
  const { openTelemetry } = await import('./otlp.ts');
  return openTelemetry(config, part, log);
}
