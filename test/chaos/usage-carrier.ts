/** Carries the usage documents of a run away while it goes on, as the relay to MongoDB does: once a batch, per slot. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Sequelize } from 'sequelize';
import { z } from 'zod';
import { UsageOutbox } from '../../activities/usage/usage-outbox.ts';

const ROUND_EVERY_MS = 100;
const usageDocument = z.object({ cost: z.coerce.bigint() });

export class UsageCarrier {
  readonly documents: { readonly id: string; readonly cost: bigint }[] = [];
  readonly #outbox: UsageOutbox;

  constructor(sequelize: Sequelize) {
    this.#outbox = new UsageOutbox(sequelize);
  }

  /** Rounds until `stopped`; a database that is away is asked again. */
  async run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      await this.carry().catch(() => undefined);
      await delay(ROUND_EVERY_MS);
    }
  }

  /** Everything that is committed by now. */
  async carry(): Promise<void> {
    for (const { slot, seq } of await this.#outbox.watermarks()) {
      let watermark = seq;
      for (;;) {
        const portion = await this.#outbox.next(slot, watermark);
        if (!portion) break;
        await this.#outbox.move(slot, watermark, portion.lastSeq);
        watermark = portion.lastSeq;
        for (const { id, doc } of portion.rows) {
          this.documents.push({ id, cost: usageDocument.parse(JSON.parse(doc)).cost });
        }
      }
    }
  }
}
