/** Every route of the OpenAPI document, called by each kind of caller with nothing in particular. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Product, startProduct } from '../line/product.ts';
import { ask, newKey, newPerson, OWN_ADDRESSES, signIn } from './asking.ts';
import { type DescribedRoute, describedRoutes, filledPath } from './described.ts';

/** No row has this id. */
const NO_ID = '4000000000';
const CALLERS = ['nobody', 'user', 'model admin', 'root', 'access key'] as const;
const EXPECTED = join(import.meta.dirname, 'access-table.txt');

describe('who may call what', () => {
  let product: Product;
  const bearers: Partial<Record<(typeof CALLERS)[number], string>> = {};

  before(async () => {
    product = await startProduct({ name: 'access-table', settings: OWN_ADDRESSES });
    const [api] = product.apis;
    const root = await signIn(api, 'root', product.rootPassword);
    const user = await newPerson(api, root, 'ROLE_USER', 1);
    bearers.user = user.token;
    bearers['model admin'] = (await newPerson(api, root, 'ROLE_MODEL_ADMIN', 1)).token;
    bearers.root = (await newPerson(api, root, 'ROLE_ROOT_ADMIN', 1)).token;
    bearers['access key'] = (await newKey(api, user.token)).text;
  });
  after(() => product.close());

  const statusOf = async (route: DescribedRoute, caller: (typeof CALLERS)[number]): Promise<number> => {
    const path = filledPath(route, () => NO_ID);
    const body = route.bodyFields === undefined ? {} : { body: {} };
    const headers = route.needsIdempotencyKey
      ? { headers: { 'Idempotency-Key': `table-${caller.replace(' ', '-')}` } }
      : {};
    return (await ask(product.apis[0], route.method, path, { bearer: bearers[caller], ...body, ...headers })).status;
  };

  test('the table of routes and callers is the one that is checked in', async () => {
    const routes = await describedRoutes(product.apis[0]);
    const rows: string[] = [];
    for (const route of routes) {
      const statuses: number[] = [];
      for (const caller of CALLERS) statuses.push(await statusOf(route, caller));
      rows.push(`${route.method} ${route.path} ${statuses.join(' ')}`);
    }
    const expected = readFileSync(EXPECTED, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    assert.deepEqual(rows.sort(), expected.sort());
  });
});
