/** One try of a delivery: reads the job, signs, sends and stores the result. */
import type { Logger } from '../../infra/logger.ts';
import { type Outbound, outboundFailure } from '../../infra/outbound.ts';
import { inSpan } from '../../infra/telemetry/spans.ts';
import type { WebhookDeliveryInput } from '../../workflows/contracts.ts';
import { type Delivery, outcomeOf } from './delivery.ts';
import type { DeliveryStore } from './delivery-store.ts';
import { type EndedJob, messageOf } from './message.ts';
import type { SecretStore } from './secret-store.ts';
import { signedHeaders } from './signature.ts';

export interface SenderDeps {
  readonly deliveries: Pick<DeliveryStore, 'find' | 'isGone' | 'note' | 'reopen'>;
  readonly secrets: Pick<SecretStore, 'signing'>;
  readonly outbound: Pick<Outbound, 'request'>;
  /** The job with its result; undefined when it was removed. */
  readonly jobOf: (jobId: string) => Promise<EndedJob | undefined>;
  readonly log: Logger;
}

export type TryOutcome =
  | { readonly kind: 'ended'; readonly status: 'DELIVERED' | 'FAILED' | 'DISABLED'; readonly attempts: number }
  | { readonly kind: 'superseded'; readonly attempts: number }
  | { readonly kind: 'again'; readonly attempts: number; readonly delayMs: number; readonly reason: string };

/** Receivers should answer first and work afterwards. */
const LIMITS = { firstByteMs: 15_000, idleMs: 15_000, totalMs: 15_000 };

interface Sent {
  readonly status: number | null;
  readonly reason: string;
  /** No other try can do better. */
  readonly isHopeless?: boolean;
}

export class WebhookSender {
  readonly #deps: SenderDeps;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
  }

  /** Tries once. Does nothing when the delivery has ended or belongs to a newer round. */
  async attempt({ deliveryId, round }: WebhookDeliveryInput): Promise<TryOutcome> {
    const { deliveries } = this.#deps;
    const delivery = await deliveries.find(deliveryId);
    if (!delivery) return { kind: 'superseded', attempts: 0 };
    const { attempts, status } = delivery;
    if (delivery.redeliveries !== round) return { kind: 'superseded', attempts };
    if (status !== 'PENDING') return { kind: 'ended', status, attempts };
    // The owner asked for a redelivery, so it is tried at a gone address, too.
    if (round === 0 && (await deliveries.isGone(delivery))) {
      const lastError = 'the address answered 410 to an earlier message; redeliver one of them to use it again';
      await deliveries.note(deliveryId, round, { status: 'FAILED', lastStatus: null, lastError });
      return { kind: 'ended', status: 'FAILED', attempts: attempts + 1 };
    }
    return this.#settle(delivery, await this.#send(delivery));
  }

  async #settle(delivery: Delivery, sent: Sent): Promise<TryOutcome> {
    const { deliveries } = this.#deps;
    const { id, redeliveries: round } = delivery;
    const attempts = delivery.attempts + 1;
    const outcome = sent.isHopeless ? ({ kind: 'given-up' } as const) : outcomeOf(sent.status, attempts);
    const lastStatus = sent.status;
    const lastError = outcome.kind === 'delivered' ? null : sent.reason;
    if (outcome.kind === 'again') {
      await deliveries.note(id, round, { status: 'PENDING', lastStatus, lastError });
      return { kind: 'again', attempts, delayMs: outcome.delayMs, reason: sent.reason };
    }
    const status = ({ delivered: 'DELIVERED', gone: 'DISABLED', 'given-up': 'FAILED' } as const)[outcome.kind];
    await deliveries.note(id, round, { status, lastStatus, lastError });
    if (status === 'DELIVERED') await deliveries.reopen(delivery.userId, delivery.url);
    return { kind: 'ended', status, attempts };
  }

  async #send(delivery: Delivery): Promise<Sent> {
    const { jobOf, secrets, outbound, log } = this.#deps;
    const job = await jobOf(delivery.jobId);
    if (!job) return { status: null, reason: 'the job is kept no longer', isHopeless: true };
    const body = messageOf(job);
    const headers = signedHeaders(await secrets.signing(delivery.userId), delivery.id, new Date(), body);
    try {
      return await inSpan(
        'POST webhook',
        undefined,
        async (span) => {
          const answer = await outbound.request(delivery.url, { method: 'POST', headers, body, limits: LIMITS });
          // The receiver's body is not needed and could be anything.
          answer.discard();
          span.set({ 'http.request.method': 'POST', 'http.response.status_code': answer.status });
          return { status: answer.status, reason: `the receiver answered ${answer.status}` };
        },
        'client',
      );
    } catch (error) {
      const failure = outboundFailure(error);
      if (failure === undefined) throw error;
      log.info({ err: error, failure, deliveryId: delivery.id }, 'webhook not sent');
      return { status: null, reason: REASONS[failure] };
    }
  }
}

/** The same text for an unknown name and for an internal address, because the user must not learn which it is. */
const NOT_REACHED = 'the receiver could not be reached at a public address';

const REASONS: Readonly<Record<NonNullable<ReturnType<typeof outboundFailure>>, string>> = {
  refused: NOT_REACHED,
  unreachable: NOT_REACHED,
  timeout: 'the receiver did not answer in time',
  aborted: 'the try was interrupted',
  'too-large': 'the answer was too large',
  cut: 'the connection broke',
};
