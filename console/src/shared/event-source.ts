/** Server-sent events that are opened anew whenever they end or fall silent, as long as anybody wants them. */

/** What of an EventSource is needed. */
interface Source {
  addEventListener(name: string, listener: (event: Event) => void): void;
  close(): void;
}

/** A browser gives up for good after an answer that is not 200, so a source is opened anew here, ever later. */
const PAUSES_MS = [1_000, 2_000, 5_000, 10_000, 30_000] as const;

interface Followed {
  readonly open: () => Source;
  /** Get the data of the events of their name. */
  readonly listeners: Readonly<Record<string, (data: string) => void>>;
  /** After so long without an event it is opened anew: a connection that hangs says nothing. */
  readonly silentMs: number;
  /** Whether it says something. */
  readonly onLive?: (isLive: boolean) => void;
}

/** Follows until the returned function is called. */
export function follow({ open, listeners, silentMs, onLive }: Followed): () => void {
  let source: Source | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  const wait = (ms: number, then: () => void) => {
    clearTimeout(timer);
    timer = setTimeout(then, ms);
  };
  const fail = () => {
    source?.close();
    onLive?.(false);
    const pause = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] ?? 0;
    failures += 1;
    wait(pause, connect);
  };
  function connect(): void {
    const opened = open();
    source = opened;
    opened.addEventListener('error', fail);
    for (const [name, take] of Object.entries(listeners)) {
      opened.addEventListener(name, (event) => {
        failures = 0;
        onLive?.(true);
        wait(silentMs, fail);
        if ('data' in event) take(String(event.data));
      });
    }
    wait(silentMs, fail);
  }
  connect();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}
