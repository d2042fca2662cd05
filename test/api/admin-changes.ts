/** What administrators can change by the API, one call each, in an order in which they can be made. */
import type { DescribedRoute } from './described.ts';

export interface AdminChange {
  /** `POST /v1/users` */
  readonly route: string;
  /** What the audit log calls it; several, where it makes several things. */
  readonly action: string | readonly string[];
  /** The route's own unless given; `<name>` stands for what an earlier change has made, as in `body`. */
  readonly path?: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly makes?: { readonly name: string; readonly at: string };
}

/** They change nothing: a question whose filters are a body, a call to a provider. */
const QUESTIONS = /^\/v1\/statistics\/|\/(test|find)$/;
/** Open to others, too: what an administrator does there to rows of others is recorded. */
const SHARED = ['/v1/orders', '/v1/orders/cancel', '/v1/orders/pay-success', '/v1/payments/chargeback'];

export function isAdminChange({ method, path, takesToken, forAdministrators }: DescribedRoute): boolean {
  if (method === 'GET' || !takesToken || QUESTIONS.test(path)) return false;
  return forAdministrators || SHARED.includes(path);
}

/** @param userId a user without anything but a balance, an access key and a live job, whose webhook was given up. */
export function adminChanges(userId: number, accessKeyId: number, jobId: string): AdminChange[] {
  const user = { username: `audited-${userId}`, password: 'a-password-to-hide', balance: 1 };
  const model = { displayName: 'audited', modelIdentifier: 'audited', capabilities: ['text-to-text'] };
  const order = { route: 'POST /v1/orders', action: 'orders.create', body: { userId, amount: 2 } };
  const orderMade = (name: string) => ({ ...order, makes: { name, at: 'data.orderNo' } });
  const paid = (name: string) => ({
    ...{ route: 'POST /v1/orders/pay-success', action: 'orders.pay-success', body: { orderNo: `<${name}>` } },
  });
  return [
    // First, while the job is alive: its call does not hang for ever.
    {
      route: 'POST /v1/admin/jobs/{jobId}/cancel',
      action: 'jobs.cancel',
      path: `/v1/admin/jobs/${jobId}/cancel`,
    },
    {
      route: 'POST /v1/admin/webhook-deliveries/{id}/redeliver',
      action: 'webhooks.redeliver',
      path: `/v1/admin/webhook-deliveries/${jobId}/redeliver`,
    },
    { route: 'POST /v1/users', action: 'users.create', body: user, makes: { name: 'user', at: 'data.id' } },
    {
      route: 'POST /v1/users/{id}/adjust-balance',
      action: 'users.adjust-balance',
      path: '/v1/users/<user>/adjust-balance',
      body: { amount: 2, reason: 'gift' },
      headers: { 'Idempotency-Key': `audited-${userId}` },
    },
    {
      route: 'POST /v1/users/assign-role',
      action: 'users.assign-role',
      body: { userId: '<user>', role: 'ROLE_MODEL_ADMIN' },
    },
    {
      route: 'POST /v1/users/{id}/reset-password',
      action: 'users.reset-password',
      path: '/v1/users/<user>/reset-password',
      body: { form: 'password' },
    },
    {
      route: 'POST /v1/users/{id}/status',
      action: 'users.status',
      path: '/v1/users/<user>/status',
      body: { status: 0 },
    },
    {
      route: 'POST /v1/users/{id}/close',
      action: 'users.close',
      path: '/v1/users/<user>/close',
      body: { reason: 'asked for' },
    },
    {
      route: 'POST /v1/admin/access-keys/{id}/revoke',
      action: 'access-keys.revoke',
      path: `/v1/admin/access-keys/${accessKeyId}/revoke`,
      body: { reason: 'leaked' },
    },
    {
      route: 'POST /v1/providers',
      action: 'providers.create',
      body: { name: 'audited', urlBase: 'https://audited.example/v1' },
      makes: { name: 'provider', at: 'data.id' },
    },
    {
      route: 'POST /v1/providers/keys',
      action: 'provider-keys.create',
      body: { providerId: '<provider>', apiKey: 'sk-audited-000001' },
      makes: { name: 'key', at: 'data.id' },
    },
    {
      route: 'POST /v1/providers/keys/{keyId}/status',
      action: 'provider-keys.status',
      path: '/v1/providers/keys/<key>/status',
      body: { status: false },
    },
    {
      route: 'PATCH /v1/providers/keys/{keyId}',
      action: 'provider-keys.update',
      path: '/v1/providers/keys/<key>',
      body: { weight: 2 },
    },
    {
      route: 'POST /v1/providers/presets',
      action: ['providers.create', 'provider-keys.create', 'models.create'],
      body: { name: 'cohere', apiKey: 'sk-audited-000002', rate: '7.2' },
    },
    {
      route: 'PUT /v1/providers/{id}',
      action: 'providers.update',
      path: '/v1/providers/<provider>',
      body: { urlBase: 'https://audited.example/v2' },
    },
    {
      route: 'DELETE /v1/providers/keys/{keyId}',
      action: 'provider-keys.delete',
      path: '/v1/providers/keys/<key>',
    },
    {
      route: 'POST /v1/models',
      action: 'models.create',
      body: { ...model, pricing: { input: '0.000001', output: '0.000001' }, providerId: '<provider>' },
      makes: { name: 'model', at: 'data.id' },
    },
    { route: 'PUT /v1/models/{id}', action: 'models.update', path: '/v1/models/<model>', body: { priority: 7 } },
    {
      route: 'POST /v1/models/{id}/status',
      action: 'models.update',
      path: '/v1/models/<model>/status',
      body: { status: 0 },
    },
    { route: 'DELETE /v1/models/{id}', action: 'models.delete', path: '/v1/models/<model>' },
    { route: 'DELETE /v1/providers/{id}', action: 'providers.delete', path: '/v1/providers/<provider>' },
    { route: 'POST /v1/admin/reconciliations', action: 'ledger.reconcile' },
    orderMade('refunded'),
    paid('refunded'),
    {
      route: 'POST /v1/orders/refund',
      action: 'orders.refund',
      body: { orderNo: '<refunded>', reason: 'wish' },
      headers: { 'Idempotency-Key': `refunded-${userId}` },
    },
    orderMade('cancelled'),
    { route: 'POST /v1/orders/cancel', action: 'orders.cancel', body: { orderNo: '<cancelled>' } },
    orderMade('taken'),
    paid('taken'),
    {
      route: 'POST /v1/payments/chargeback',
      action: 'orders.chargeback',
      body: { orderNo: '<taken>', amount: 1, eventId: `taken-${userId}` },
    },
  ];
}
