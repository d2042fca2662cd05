/** What happens at the moment, as the API tells it: calls that end, jobs that move, circuits. */
import { useEffect, useRef, useState } from 'react';
import { parseExact } from '../api/exact-json.ts';
import type { FeedCall, FeedCircuit, FeedJob } from '../api/generated/schema.ts';
import { follow } from '../shared/event-source.ts';

export interface FeedHandlers {
  readonly onCalls: (calls: readonly FeedCall[]) => void;
  readonly onJobs: (jobs: readonly FeedJob[]) => void;
  readonly onCircuit: (circuit: FeedCircuit) => void;
}

export interface FeedState {
  readonly isLive: boolean;
  /** Since when it is, or is not. */
  readonly since: number;
}

/** The API tells of all calls of a second at once. */
const GATHER_MS = 250;
/** It says something every second. */
const SILENT_MS = 10_000;

/** Listens while the view is shown. */
export function useFeed(enabled: boolean, handlers: FeedHandlers): FeedState {
  const [state, setState] = useState<FeedState>(() => ({ isLive: false, since: Date.now() }));
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    if (!enabled) return undefined;
    let calls: FeedCall[] = [];
    let jobs: FeedJob[] = [];
    const timer = setInterval(() => {
      if (calls.length > 0) latest.current.onCalls(calls);
      if (jobs.length > 0) latest.current.onJobs(jobs);
      [calls, jobs] = [[], []];
    }, GATHER_MS);
    const leave = follow({
      open: () => new EventSource('/v1/admin/feed'),
      listeners: {
        // Says that the feed is alive.
        round: () => undefined,
        call: (data) => calls.push(parseExact<FeedCall>(data)),
        job: (data) => jobs.push(parseExact<FeedJob>(data)),
        circuit: (data) => latest.current.onCircuit(parseExact<FeedCircuit>(data)),
      },
      silentMs: SILENT_MS,
      onLive: (isLive) => setState((before) => (before.isLive === isLive ? before : { isLive, since: Date.now() })),
    });
    return () => {
      clearInterval(timer);
      leave();
    };
  }, [enabled]);
  return state;
}
