/** The money that moved under an id, with what was reserved for it and given back. */
import type { operations } from '../api/generated/schema.ts';

export type Answers<Name extends keyof operations> = operations[Name] extends {
  responses: { 200: { content: { 'application/json': infer Answer } } };
}
  ? Answer
  : never;
type Movements = Answers<'findMovements'>;

export type EventText =
  | 'lookup.call'
  | 'lookup.refusedCall'
  | 'lookup.jobSubmitted'
  | 'lookup.jobStarted'
  | 'lookup.jobEnded'
  | 'lookup.cancelRequested'
  | 'lookup.held'
  | 'lookup.holdEnded'
  | 'lookup.order'
  | 'lookup.orderPaid'
  | 'lookup.delivery'
  | 'lookup.batch'
  | 'lookup.batchStarted'
  | 'lookup.batchEnded';

export interface Event {
  readonly key: string;
  readonly at: string;
  readonly kind: 'call' | 'job' | 'money' | 'hold' | 'order' | 'batch' | 'audit' | 'delivery';
  readonly name:
    | { readonly text: EventText; readonly about?: string }
    | { readonly transfer: Movements['transfers'][number]['kind'] }
    | { readonly action: string };
  readonly failed: boolean;
  readonly to?: string;
  readonly amount?: string;
  readonly userId?: number;
  readonly username?: string;
  readonly by?: string;
  readonly attempts?: { readonly provider: string; readonly count: number };
  readonly error?: string | null;
  /** Of a batch: how far it is, and what its lines were charged. */
  readonly batch?: Answers<'getAnyBatch'>;
}

export function moneyEvents({ transfers, holds }: Pick<Movements, 'transfers' | 'holds'>): Event[] {
  return [
    ...holds.flatMap(({ id, amount, released, createdAt, closedAt }): Event[] => {
      const shared = { kind: 'hold', failed: false } as const;
      const taken = { ...shared, key: `hold ${id}`, at: createdAt, amount, name: { text: 'lookup.held' } } as const;
      if (closedAt === null) return [taken];
      const name = { text: 'lookup.holdEnded' } as const;
      return [taken, { ...shared, key: `hold end ${id}`, at: closedAt, amount: released, name }];
    }),
    ...transfers.map(({ id, kind, amount, createdAt, userId, note }): Event => {
      const shared = { key: `${kind} ${id}`, at: createdAt, kind: 'money', failed: false } as const;
      return { ...shared, name: { transfer: kind }, amount, error: note, to: `/ledger?userId=${userId}` };
    }),
  ];
}
