/** What happens at the moment, as the API tells it: calls that end, jobs that move, circuits. */
import { useEffect, useRef, useState } from 'react';
import { parseExact } from '../api/exact-json.ts';
import type { FeedCall, FeedCircuit, FeedJob } from '../api/generated/schema.ts';
import { follow } from './feed-source.ts';

export interface FeedHandlers {
  readonly onCalls: (calls: readonly FeedCall[]) => void;
  readonly onJob: (job: FeedJob) => void;
  readonly onCircuit: (circuit: FeedCircuit) => void;
}

export interface FeedState {
  readonly isLive: boolean;
  /** Since when it is, or is not. */
  readonly since: number;
}

/** The API tells of all calls of a second at once. */
const GATHER_MS = 250;

/** Listens while the view is shown. */
export function useFeed(enabled: boolean, handlers: FeedHandlers): FeedState {
  const [state, setState] = useState<FeedState>(() => ({ isLive: false, since: Date.now() }));
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    if (!enabled) return undefined;
    let gathered: FeedCall[] = [];
    const timer = setInterval(() => {
      if (gathered.length > 0) latest.current.onCalls(gathered);
      gathered = [];
    }, GATHER_MS);
    const leave = follow(
      () => new EventSource('/v1/admin/feed'),
      {
        // Says that the feed is alive.
        round: () => undefined,
        call: (data) => gathered.push(parseExact<FeedCall>(data)),
        job: (data) => latest.current.onJob(parseExact<FeedJob>(data)),
        circuit: (data) => latest.current.onCircuit(parseExact<FeedCircuit>(data)),
      },
      (isLive) => setState((before) => (before.isLive === isLive ? before : { isLive, since: Date.now() })),
    );
    return () => {
      clearInterval(timer);
      leave();
    };
  }, [enabled]);
  return state;
}
