/** The span of a capture: from the commit queue to the COMMIT. */
import { type Attributes, inSpan, type Span } from '../../infra/telemetry/spans.ts';
import { formatMoney } from './money.ts';
import type { Capture } from './operations/capture.ts';

/** Does the work in a span that records what is charged for. */
export function inCaptureSpan<Result>(
  capture: Pick<Capture, 'usage' | 'cost'>,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  return inSpan('capture', () => attributesOf(capture), work);
}

function attributesOf({ usage, cost }: Pick<Capture, 'usage' | 'cost'>): Attributes {
  return {
    'gen_ai.usage.input_tokens': usage.promptTokens,
    'gen_ai.usage.output_tokens': usage.completionTokens,
    'gateway.usage.images': usage.imageCount,
    'gateway.cost': formatMoney(cost),
  };
}
