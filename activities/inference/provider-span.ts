/** The span of one provider call, by OpenTelemetry's conventions for generative AI. Pure but for the span. */

import { UpstreamFailure } from '../../core/providers/failure.ts';
import { type Attributes, inSpan } from '../../infra/telemetry/spans.ts';

/** What the provider is asked for. */
export type CallOutput = 'text' | 'image';

const OPERATIONS: Readonly<Record<CallOutput, string>> = { text: 'chat', image: 'generate_content' };

export interface ProviderCall {
  readonly candidate: {
    readonly modelIdentifier: string;
    readonly providerName: string;
    readonly upstreamModel: string;
  };
  readonly output: CallOutput;
  readonly keyId: number;
  /** 1 for the first. */
  readonly attempt: number;
}

/** Makes the call in a span of its own. Keys are told by their number, failures by their class. */
export function inProviderSpan<Value>(call: ProviderCall, work: () => Promise<Value>): Promise<Value> {
  const name = `${OPERATIONS[call.output]} ${call.candidate.upstreamModel}`;
  return inSpan(
    name,
    () => attributesOf(call),
    async (span) => {
      try {
        return await work();
      } catch (error) {
        if (error instanceof UpstreamFailure) span.set(failureOf(error));
        throw error;
      }
    },
    'client',
  );
}

function attributesOf({ candidate, output, keyId, attempt }: ProviderCall): Attributes {
  return {
    'gen_ai.operation.name': OPERATIONS[output],
    'gen_ai.output.type': output,
    'gen_ai.provider.name': candidate.providerName,
    'gen_ai.request.model': candidate.upstreamModel,
    'gateway.model': candidate.modelIdentifier,
    'gateway.provider_key.id': keyId,
    'gateway.attempt': attempt,
  };
}

function failureOf({ failure, details }: UpstreamFailure): Attributes {
  return { 'error.type': failure, ...(details.status > 0 ? { 'http.response.status_code': details.status } : {}) };
}
