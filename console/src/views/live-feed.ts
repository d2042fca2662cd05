/** What happens at the moment, as the API tells it: calls that end, jobs that move, circuits. */
import { useEffect, useRef, useState } from 'react';
import { parseExact } from '../api/exact-json.ts';
import type { FeedCall, FeedCircuit, FeedJob } from '../api/generated/schema.ts';

export interface FeedHandlers {
  readonly onCalls: (calls: readonly FeedCall[]) => void;
  readonly onJob: (job: FeedJob) => void;
  readonly onCircuit: (circuit: FeedCircuit) => void;
}

/** The API tells of all calls of a second at once. */
const GATHER_MS = 250;

/** Listens while the view is shown. @returns whether the feed is open. */
export function useFeed(enabled: boolean, handlers: FeedHandlers): boolean {
  const [isOpen, setIsOpen] = useState(false);
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    if (!enabled) return undefined;
    const feed = new EventSource('/v1/admin/feed');
    let gathered: FeedCall[] = [];
    const timer = setInterval(() => {
      if (gathered.length > 0) latest.current.onCalls(gathered);
      gathered = [];
    }, GATHER_MS);
    feed.onopen = () => setIsOpen(true);
    // The browser connects again by itself.
    feed.onerror = () => setIsOpen(false);
    feed.addEventListener('call', ({ data }: MessageEvent<string>) => gathered.push(parseExact<FeedCall>(data)));
    feed.addEventListener('job', ({ data }: MessageEvent<string>) => latest.current.onJob(parseExact<FeedJob>(data)));
    feed.addEventListener('circuit', ({ data }: MessageEvent<string>) =>
      latest.current.onCircuit(parseExact<FeedCircuit>(data)),
    );
    return () => {
      clearInterval(timer);
      feed.close();
      setIsOpen(false);
    };
  }, [enabled]);
  return isOpen;
}
