/** One small real call that shows whether a key or a model works. */
import type { FailureClass } from '../providers/failure.ts';
import type { ModelNeeds } from '../providers/needs.ts';
import type { UpstreamTarget } from '../providers/provider.ts';
import type { Capability } from './model.ts';

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
  /** What kind of failure it was; absent when no provider has answered to it. */
  readonly failure?: FailureClass;
  /** When the provider wants to be asked again. */
  readonly retryAfterMs?: number;
}

export interface ProbeTarget extends UpstreamTarget {
  readonly needs: ModelNeeds;
}

/** Never throws for a failure of the provider: that is a result. */
export type Probe = (target: ProbeTarget, capability: Capability, signal: AbortSignal) => Promise<ProbeResult>;
