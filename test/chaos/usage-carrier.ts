/** Carries the usage documents of a run away while it goes on, as the relay to MongoDB does: first the documents, then
 * the watermark. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Sequelize } from 'sequelize';
import { z } from 'zod';
import { UsageOutbox } from '../../core/usage/usage-outbox.ts';

const ROUND_EVERY_MS = 100;
const usageDocument = z.object({ cost: z.coerce.bigint() });

export class UsageCarrier {
  /** By their place in the outbox: a portion is read again when the database dies before it has said that it moved on. */
  readonly #documents = new Map<string, { readonly id: string; readonly cost: bigint }>();
  readonly #outbox: UsageOutbox;

  constructor(sequelize: Sequelize) {
    this.#outbox = new UsageOutbox(sequelize);
  }

  get documents(): { readonly id: string; readonly cost: bigint }[] {
    return [...this.#documents.values()];
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
        for (const [index, { id, seq: at, doc }] of portion.rows.entries()) {
          const { cost } = usageDocument.parse(JSON.parse(doc));
          this.#documents.set(`${slot} ${at} ${index}`, { id, cost });
        }
        await this.#outbox.move(slot, watermark, portion.lastSeq);
        watermark = portion.lastSeq;
      }
    }
  }
}
