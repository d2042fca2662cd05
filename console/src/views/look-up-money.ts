/** The money that moved under an id, with what was reserved for it and given back. */
import type { operations } from '../api/generated/schema.ts';

export type Answers<Name extends keyof operations> = operations[Name] extends {
  responses: { 200: { content: { 'application/json': infer Answer } } };
}
  ? Answer
  : never;
type Movements = Answers<'getMovements'>;

export type EventText =
  | 'lookup.call'
  | 'lookup.jobSubmitted'
  | 'lookup.jobStarted'
  | 'lookup.jobEnded'
  | 'lookup.cancelRequested'
  | 'lookup.held'
  | 'lookup.holdEnded'
  | 'lookup.order'
  | 'lookup.orderPaid'
  | 'lookup.delivery';

export interface Event {
  readonly key: string;
  readonly at: string;
  readonly kind: 'call' | 'job' | 'money' | 'hold' | 'order' | 'audit' | 'delivery';
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
}

export function moneyEvents({ transfers, hold }: Movements): Event[] {
  return [
    ...(hold === null
      ? []
      : [
          {
            ...({ key: `hold ${hold.id}`, at: hold.createdAt, kind: 'hold', failed: false } as const),
            ...{ amount: hold.amount, name: { text: 'lookup.held' } as const },
          },
          ...(hold.closedAt === null
            ? []
            : [
                {
                  ...({ key: `hold end ${hold.id}`, at: hold.closedAt, kind: 'hold', failed: false } as const),
                  ...{ amount: hold.released, name: { text: 'lookup.holdEnded' } as const },
                },
              ]),
        ]),
    ...transfers.map(({ id, kind, amount, createdAt, userId, note }): Event => {
      const shared = { key: `${kind} ${id}`, at: createdAt, kind: 'money', failed: false } as const;
      return { ...shared, name: { transfer: kind }, amount, error: note, to: `/ledger?userId=${userId}` };
    }),
  ];
}
