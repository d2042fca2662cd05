/** Compares the answers that processes got with the ledger's rows. Every function returns the breaches it finds. */
import { answerText } from './ledger-asker.ts';
import type { HoldRow, LedgerRows } from './ledger-rows.ts';
import { sha256 } from './ledger-world.ts';
import type { Operation } from './record.ts';

/** Holds of calls live longer than any run, except those that are meant to expire. */
const EXPIRES_WITHIN_MS = 10_000;

type AnsweredOperation = Operation & { readonly answer: NonNullable<Operation['answer']> };

function isAnswered(operation: Operation): operation is AnsweredOperation {
  return operation.answer !== undefined;
}

/** True while the process stayed the same writer: nothing may then be "done before" or taken away from it. */
function stayedWriter(from: string, operation: AnsweredOperation): boolean {
  return from !== '' && from === operation.answer.writer;
}

/** Everything that was asked, arranged for the checks. */
class Asked {
  readonly all: readonly Operation[];
  readonly answer: readonly AnsweredOperation[];
  readonly #holds: ReadonlyMap<string, Operation>;

  constructor(operations: readonly Operation[]) {
    this.all = operations;
    this.answer = operations.filter(isAnswered);
    this.#holds = new Map(operations.filter(({ ask }) => ask.kind === 'hold').map((one) => [one.ask.id, one]));
  }

  of(kind: Operation['ask']['kind']): Operation[] {
    return this.all.filter(({ ask }) => ask.kind === kind);
  }

  holdOf(id: string): Operation | undefined {
    return this.#holds.get(id);
  }

  /** The call was neither meant to expire, nor to be closed twice, and its process stayed the writer it was. */
  keptItsHold(operation: AnsweredOperation): boolean {
    if (operation.ask.shared || operation.ask.lifeMs < EXPIRES_WITHIN_MS) return false;
    return stayedWriter(this.holdOf(operation.ask.id)?.answer?.writer ?? '', operation);
  }
}

/** @returns one line for each difference; none = zero drift. */
export function checkAnswers(operations: readonly Operation[], rows: LedgerRows): string[] {
  const asked = new Asked(operations);
  const breaches: string[] = [];
  for (const operation of operations) {
    const breach = isAnswered(operation) ? answeredBreach(operation, asked, rows) : unansweredBreach(operation, rows);
    if (breach) breaches.push(`${operation.process}: ${breach} — ${JSON.stringify(operation, written)}`);
  }
  return [
    ...breaches,
    ...endedTwice(asked),
    ...sharedCredits(asked),
    ...answeredTwice(asked, rows),
    ...unasked(asked, rows),
  ];
}

function written(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** A process that died before it heard of its hold cannot have charged it. */
function unansweredBreach({ ask }: Operation, rows: LedgerRows): string | undefined {
  const state = ask.kind === 'hold' ? rows.holds.get(ask.id)?.state : undefined;
  return state === 'captured' || state === 'open' ? `a hold that nobody heard of is ${state}` : undefined;
}

function answeredBreach(operation: AnsweredOperation, asked: Asked, rows: LedgerRows): string | undefined {
  const { ask, answer } = operation;
  if (answer.outcome === 'error') return `failed with ${answer.text}`;
  switch (ask.kind) {
    case 'hold':
      return holdBreach(operation, rows) ?? answerBreach(operation, rows);
    case 'capture':
      return captureBreach(operation, asked, rows);
    case 'release':
      return releaseBreach(operation, asked, rows);
    case 'claim':
      return answerBreach(operation, rows);
    case 'answer':
      return storedBreach(operation, asked, rows);
    case 'abandon':
    case 'recall':
      return undefined;
    default:
      return changeBreach(operation, rows);
  }
}

function holdBreach(operation: AnsweredOperation, rows: LedgerRows): string | undefined {
  const { ask, answer } = operation;
  const row = rows.holds.get(ask.id);
  switch (answer.outcome) {
    case 'leased':
      return row ? 'a lease was to pay, and there is a hold' : undefined;
    case 'held':
      if (!row) return 'answered "held", and there is no hold';
      return row.amount === ask.amount && row.account_id === ask.accountId ? undefined : 'the hold is another one';
    case 'exists':
      return 'a fresh hold was done before';
    case 'unavailable':
      return row && row.state !== 'released' ? `answered "unavailable", and the hold is ${row.state}` : undefined;
    default:
      return row ? `answered "${answer.outcome}", and there is a hold` : undefined;
  }
}

function captureBreach(operation: AnsweredOperation, asked: Asked, rows: LedgerRows): string | undefined {
  const { ask, answer } = operation;
  const row =
    asked.holdOf(ask.id)?.answer?.outcome === 'leased' ? leasedRow(ask.id, rows, asked) : rows.holds.get(ask.id);
  if (!row) return 'there is no such hold';
  switch (answer.outcome) {
    case 'captured':
      return chargeBreach(operation, row, rows);
    case 'already-captured':
      if (!ask.shared) return 'the first capture of a call was done before';
      return row.state === 'captured' && answer.amount === row.captured ? undefined : 'the charge is another one';
    case 'hold-released':
    case 'claim-lost':
      if (asked.keptItsHold(operation)) return 'a living writer lost its hold';
      return row.state === 'released' ? undefined : `answered "${answer.outcome}", and the hold is ${row.state}`;
    default:
      return `a capture may not end as ${answer.outcome}`;
  }
}

/** A call that a lease paid for, as if it had had a hold of its own: its charges name a lease of the same account. */
function leasedRow(id: string, rows: LedgerRows, asked: Asked): HoldRow | undefined {
  const ask = asked.holdOf(id)?.ask;
  const charge = rows.transfer('charge', id);
  if (!ask) return undefined;
  const { accountId: account_id, amount } = ask;
  const shared = { id, owner: 'call', account_id, access_key_id: ask.budgetKeyId, amount } as const;
  if (!charge) return { ...shared, captured: 0n, released: amount, state: 'released' };
  const lease = rows.holds.get(charge.hold_id ?? '');
  if (lease?.owner !== 'lease' || lease.account_id !== account_id) return undefined;
  return { ...shared, captured: -charge.amount, released: amount + charge.amount, state: 'captured' };
}

/** A captured call is charged its cost: from the hold, then from what was available, and the rest is a loss. */
function chargeBreach({ ask, answer }: AnsweredOperation, row: HoldRow, rows: LedgerRows): string | undefined {
  const held = ask.amount < row.amount ? ask.amount : row.amount;
  if (row.state !== 'captured' || row.captured !== held) return `the hold is ${row.state} with ${row.captured}`;
  if (rows.transfer('charge', ask.id)?.amount !== -held) return 'the charge is not there or another one';
  if (rows.charged(ask.id) !== answer.amount) return `charged ${rows.charged(ask.id)}`;
  const loss = rows.transfer('loss', ask.id)?.amount ?? 0n;
  if (loss !== answer.loss) return `the memo of the loss says ${loss}`;
  return held + (ask.amount - held) === (answer.amount ?? 0n) + loss ? undefined : 'charge and loss are not the cost';
}

function releaseBreach(operation: AnsweredOperation, asked: Asked, rows: LedgerRows): string | undefined {
  const { ask, answer } = operation;
  const isLeased = asked.holdOf(ask.id)?.answer?.outcome === 'leased';
  const row = isLeased ? leasedRow(ask.id, rows, asked) : rows.holds.get(ask.id);
  if (answer.outcome === 'released') return row?.state === 'released' ? undefined : `the hold is ${row?.state}`;
  if (answer.outcome !== 'already-closed') return `a release may not end as ${answer.outcome}`;
  if (asked.keptItsHold(operation)) return 'the first release of a call found it closed';
  return row && row.state !== 'open' ? undefined : 'answered "already-closed", and the hold is open';
}

function changeBreach({ ask, answer }: AnsweredOperation, rows: LedgerRows): string | undefined {
  const transfer = rows.transfer(ask.kind, ask.id);
  if (answer.outcome === 'insufficient' || answer.outcome === 'unavailable') {
    return transfer ? `answered "${answer.outcome}", and the transfer is there` : undefined;
  }
  const amount = {
    top_up: ask.amount,
    adjustment: ask.amount,
    chargeback: -ask.amount,
    refund: -(answer.amount ?? 0n),
  };
  const expected = amount[ask.kind as keyof typeof amount];
  if (transfer?.account_id !== ask.accountId) return 'the transfer is not there';
  return transfer.amount === expected ? undefined : `the transfer moved ${transfer.amount}`;
}

/** A repeated keyed request gets what the first one was charged. */
function answerBreach({ ask, answer }: AnsweredOperation, rows: LedgerRows): string | undefined {
  if (answer.outcome !== 'answered') return undefined;
  const stored = rows.claims.get(sha256(ask.claim?.key ?? '').toString('hex'));
  const { requestId = '' } = answer;
  if (stored?.request_id !== requestId || stored.answer !== answer.text) return 'another answer is stored';
  return answer.text === answerText(requestId, rows.charged(requestId)) ? undefined : 'the answer names another charge';
}

function storedBreach(operation: AnsweredOperation, asked: Asked, rows: LedgerRows): string | undefined {
  const { ask, answer } = operation;
  const claim = asked.answer.find((one) => one.ask.kind === 'claim' && one.ask.id === ask.id);
  if (answer.outcome !== 'done') {
    return stayedWriter(claim?.answer.writer ?? '', operation) ? 'a living writer lost its key' : undefined;
  }
  const stored = rows.claims.get(sha256(ask.claim?.key ?? '').toString('hex'));
  return stored?.request_id === ask.id && stored.answer_status === 200 ? undefined : 'the answer is not stored';
}

/** Of the requests to capture or release a call, exactly one is answered as the one that did it. */
function endedTwice(asked: Asked): string[] {
  const ends = new Map<string, number>();
  for (const { ask, answer } of asked.answer) {
    if (answer.outcome === 'captured' || answer.outcome === 'released') ends.set(ask.id, (ends.get(ask.id) ?? 0) + 1);
  }
  return [...ends].filter(([, count]) => count > 1).map(([id, count]) => `hold ${id} was ended ${count} times`);
}

/** Of all requests for the same top-up one is answered as the one that did it, unless its process died. */
function sharedCredits(asked: Asked): string[] {
  const byId = Map.groupBy(asked.of('top_up'), ({ ask }) => ask.id);
  return [...byId].flatMap(([id, operations]) => {
    const done = operations.filter(({ answer }) => answer?.outcome === 'done').length;
    const died = operations.some((one) => !isAnswered(one));
    if (done > 1) return [`top-up ${id} was done ${done} times`];
    return done === 0 && !died ? [`top-up ${id} was done by nobody`] : [];
  });
}

/** An idempotency key is answered by one request, whose charge is the only one under that key. */
function answeredTwice(asked: Asked, rows: LedgerRows): string[] {
  const keyed = Map.groupBy(
    asked.all.filter(({ ask }) => ask.claim !== null && (ask.kind === 'hold' || ask.kind === 'answer')),
    ({ ask }) => ask.claim?.key ?? '',
  );
  return [...keyed].flatMap(([key, operations]) => {
    const answering = operations.filter(({ ask, answer }) =>
      ask.kind === 'hold' ? rows.holds.get(ask.id)?.state === 'captured' : answer?.outcome === 'done',
    );
    const stored = rows.claims.get(sha256(key).toString('hex'));
    if (answering.length > 1) return [`${key} was answered by ${answering.map(({ ask }) => ask.id)}`];
    return answering.every(({ ask }) => stored?.request_id === ask.id && stored.answer_status === 200)
      ? []
      : [`${key} was answered and the answer is not stored`];
  });
}

/** The ledger holds nothing that nobody asked for. */
function unasked(asked: Asked, rows: LedgerRows): string[] {
  const changes = new Map(asked.all.map(({ ask }) => [`${ask.kind} ${ask.id}`, ask]));
  const holds = [...rows.holds.values()].filter(
    (row) => row.owner !== 'lease' && changes.get(`hold ${row.id}`)?.amount !== row.amount,
  );
  const transfers = rows.transfers.filter(({ kind, id }) => {
    if (kind === 'grant') return false;
    return !changes.has(`${['charge', 'overrun', 'loss'].includes(kind) ? 'capture' : kind} ${id}`);
  });
  return [
    ...holds.map((row) => `hold ${row.id} was never asked for like this`),
    ...transfers.map((row) => `${row.kind} ${row.id} was never asked for`),
  ];
}
