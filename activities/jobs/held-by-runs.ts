/**
 * What the runs of this process hold in memory beside their requests: recordings, documents and images that these name. A
 * run that finds no room is tried again later; one alone may have more than there is room for.
 */
import { getHeapStatistics } from 'node:v8';
import type { Room } from '../../infra/held-bytes.ts';
import { RunMustWait } from './job-handler.ts';

/** Each byte costs about three times as much again while its call is made. */
const TOGETHER_BYTES = Math.floor(getHeapStatistics().heap_size_limit / 16);

export class HeldByRuns {
  #bytes = 0;
  readonly #togetherBytes: number;

  constructor(togetherBytes: number = TOGETHER_BYTES) {
    this.#togetherBytes = togetherBytes;
  }

  /** Holds what `use` takes until it has ended. @throws {RunMustWait} while others hold as much as may be; what it throws. */
  async during<Result>(use: (room: Room) => Promise<Result>): Promise<Result> {
    let own = 0;
    const take = (bytes: number) => {
      if (this.#bytes > own && this.#bytes + bytes > this.#togetherBytes) throw new RunMustWait();
      own += bytes;
      this.#bytes += bytes;
    };
    try {
      return await use({ take });
    } finally {
      this.#bytes -= own;
    }
  }
}
