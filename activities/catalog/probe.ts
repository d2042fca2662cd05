/** One small real call that shows whether a key or a model works. */
import type { Capability } from '../inference/model.ts';
import type { UpstreamTarget } from '../inference/providers/provider.ts';

export interface ProbeResult {
  readonly ok: boolean;
  readonly latencyMs: number;
  readonly usage?: {
    readonly promptTokens: number;
    readonly completionTokens: number;
    readonly imageCount: number;
  };
  /** The beginning of the answer, or the address of an image. */
  readonly answer?: string;
  /** The provider's own message, without keys. */
  readonly error?: string;
}

/** Never throws for a failure of the provider: that is a result. */
export type Probe = (target: UpstreamTarget, capability: Capability, signal: AbortSignal) => Promise<ProbeResult>;
