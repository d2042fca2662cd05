/** What a handler may ask of a request: its parts, its log, who sent it and from where. */
import ipaddr from 'ipaddr.js';
import type Koa from 'koa';
import type { By } from '../../core/accounts/audit-log.ts';
import type { Caller, UserCaller } from '../../core/accounts/caller.ts';
import { newId } from '../../infra/ids.ts';
import type { Logger } from '../../infra/logger.ts';
import type { AnswerForm } from './forms.ts';

export interface ApiState {
  traceId: string;
  /** The declared path, once a route has matched. */
  routePath?: string;
  /** The form of its answer, once a route has matched. */
  form?: AnswerForm;
  caller?: Caller;
  /** The name of the console's cookie; without the prefix until told. */
  sessionCookie?: string;
  /** The session's token, where a request has brought several. */
  sessionToken?: string;
  /** Money was held for its call of a model. */
  isHeld?: boolean;
  /** The call of a model that was made for it, for the log. */
  call?: LoggedCall;
}

export interface LoggedCall {
  readonly requestId: string;
  readonly model?: string;
  /** As decimal text. */
  readonly cost?: string;
}

export type ApiContext = Koa.ParameterizedContext<ApiState> & { params?: unknown };

interface Source {
  readonly ctx: ApiContext;
  readonly logger: Logger;
  readonly rawBody: Buffer;
  readonly operationId?: string;
}

/** `log`, `signal` and `operationId` are made when first read: most requests need none, and each costs more than the rest. */
export class RouteInput<P, Q, B, C> {
  readonly ctx: ApiContext;
  readonly caller: C;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The bytes of the body as they came, for signatures. */
  readonly rawBody: Buffer;
  readonly #logger: Logger;
  #log: Logger | undefined;
  #signal: AbortSignal | undefined;
  #operationId: string | undefined;

  constructor(source: Source, caller: C, params: P, query: Q, body: B) {
    this.ctx = source.ctx;
    this.caller = caller;
    this.params = params;
    this.query = query;
    this.body = body;
    this.rawBody = source.rawBody;
    this.#logger = source.logger;
    this.#operationId = source.operationId;
  }

  get traceId(): string {
    return this.ctx.state.traceId;
  }

  /** Id of what this request does; a keyed one that is run again after a crash has it again. */
  get operationId(): string {
    this.#operationId ??= newId();
    return this.#operationId;
  }

  /** A log whose lines carry the trace id. */
  get log(): Logger {
    this.#log ??= this.#logger.child({ traceId: this.traceId });
    return this.#log;
  }

  /** Aborts when the client leaves before the answer is out. */
  get signal(): AbortSignal {
    this.#signal ??= clientGone(this.ctx);
    return this.#signal;
  }
}

function clientGone(ctx: ApiContext): AbortSignal {
  const controller = new AbortController();
  const { res } = ctx;
  const abort = (): void => {
    if (!res.writableFinished) controller.abort(new Error('the client has left'));
  };
  if (res.destroyed) abort();
  else res.once('close', abort);
  return controller.signal;
}

/** Who changes something, and in which request: what the audit log keeps of a caller. */
export function by({ caller, traceId }: { caller: UserCaller; traceId: string }): By {
  return { actor: caller, traceId };
}

/** A household or a machine has at least this much of IPv6, so that single addresses mean nothing. */
const IPV6_PREFIX_BITS = 64;

/** An IPv4 address, or the /64 network of an IPv6 one. Behind trusted proxies it is what they report. */
export function clientAddress(ctx: ApiContext): string {
  const text = ctx.ip;
  if (!ipaddr.isValid(text)) return text;
  const address = ipaddr.process(text);
  if (address.kind() === 'ipv4') return address.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${IPV6_PREFIX_BITS}`)}/${IPV6_PREFIX_BITS}`;
}
