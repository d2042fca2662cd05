/** The span of a capture: from the commit queue to the COMMIT. */
import { type Attributes, inSpan, type Span } from '../../infra/telemetry/spans.ts';
import { formatMoney } from './money.ts';
import type { Capture } from './operations/capture.ts';

/** Does the work in a span that records what is charged for. */
export function inCaptureSpan<Result>(
  capture: Pick<Capture, 'call' | 'cost'>,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  return inSpan('capture', () => attributesOf(capture), work);
}

function attributesOf({ call, cost }: Pick<Capture, 'call' | 'cost'>): Attributes {
  return {
    'gen_ai.usage.input_tokens': call.promptTokens,
    'gen_ai.usage.output_tokens': call.completionTokens,
    'gateway.usage.images': call.imageCount,
    'gateway.cost': formatMoney(cost),
  };
}
