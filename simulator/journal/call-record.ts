/** One call as the journal keeps it. */

export interface CountedUsage {
  promptTokens: number;
  completionTokens: number;
  reasoningTokens: number;
  cachedTokens: number;
  /** Of vendors that charge for it. */
  cacheWriteTokens?: number;
  /** Part of `cacheWriteTokens`. */
  hourCacheWriteTokens?: number;
  images: number;
  /** Of a reranker, of speech that was made, of speech that was heard. */
  searchUnits?: number;
  characters?: number;
  audioSeconds?: number;
}

export type Outcome = 'running' | 'completed' | 'refused' | 'cut_by_client' | 'cut_by_simulator';

export interface CallRecord {
  readonly id: number;
  readonly vendor: string;
  readonly key: string;
  readonly model: string;
  readonly path: string;
  readonly stream: boolean;
  /** False for calls that a vendor does not charge: lists, looking at a task. Counted apart, as `otherCalls`. */
  readonly work: boolean;
  /** The id sent back in the reply. */
  readonly requestId: string;
  /** The caller's own x-request-id or x-client-request-id. */
  readonly clientRequestId: string | null;
  readonly startedAtMs: number;
  endedAtMs: number | null;
  status: number | null;
  outcome: Outcome;
  faults: string[];
  /**
   * What a vendor would charge; null where it did no work. Of a cut stream: the prompt and the tokens delivered. Of a
   * reply in one piece: all of it, once it was made, even if the connection broke.
   */
  usage: CountedUsage | null;
  readonly delivered: { chunks: number; tokens: number; images: number };
}

export type CallStart = Pick<
  CallRecord,
  'vendor' | 'key' | 'model' | 'path' | 'stream' | 'work' | 'requestId' | 'clientRequestId'
>;
