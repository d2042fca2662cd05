import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sequelize } from 'sequelize';
import { reconcile } from '../../core/ledger/reconcile.ts';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { type TestLedger, testLedger } from '../ledger/test-ledger.ts';

/** A million charges with their holds where time allows, otherwise a tenth of it. */
const ROWS = isFullChaos() ? 1_000_000 : 100_000;
const ACCOUNTS = 1_000;
const DAYS = 30;
const MODELS = 20;
const LIMIT_MS = 60_000;

let ledger: TestLedger;
before(async () => {
  ledger = await testLedger('reconcile_rows_test');
});
after(() => ledger.close());

test(`${ROWS} charges are reconciled in one pass within a minute`, async (context) => {
  await fill(ledger.sequelize);
  const started = performance.now();
  const result = await reconcile(ledger.sequelize);
  const elapsedMs = performance.now() - started;
  context.diagnostic(`${ROWS} charges in ${Math.round(elapsedMs)} ms`);
  assert.equal(result.breaches, 0, JSON.stringify(result.invariants));
  assert.equal(result.invariants[2]?.checked, 2 * ROWS);
  assert.equal(result.invariants[4]?.checked, (2 * ROWS) / 10);
  assert.ok(elapsedMs < LIMIT_MS, `${elapsedMs} ms`);

  await ledger.sequelize.query("DELETE FROM transfers WHERE id='g000000000078' AND kind='charge'");
  const broken = await reconcile(ledger.sequelize);
  assert.deepEqual(broken.invariants[2]?.examples, ['hold g000000000078']);
  assert.ok([0, 5, 6].every((index) => (broken.invariants[index]?.breaches ?? 0) > 0));
});

/** Numbers below `count`, without a table that one of the two servers lacks. */
function numbers(count: number): string {
  const digits =
    'SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9';
  const places = Math.ceil(Math.log10(count));
  const names = Array.from({ length: places }, (_, place) => `p${place}`);
  const sum = names.map((name, place) => `${name}.d*${10 ** place}`).join('+');
  return `(SELECT ${sum} AS n FROM ${names.map((name) => `(${digits}) ${name}`).join(',')}) numbers`;
}

/** Every account has a grant; charge n costs n % 7 and belongs to account n % ACCOUNTS; a tenth of them are jobs. */
async function fill(sequelize: Sequelize): Promise<void> {
  for (const table of ['transfers', 'holds', 'accounts', 'stats', 'jobs'])
    await sequelize.query(`TRUNCATE TABLE ${table}`);
  const id = "CONCAT('g',LPAD(n,12,'0'))";
  const account = `n%${ACCOUNTS}+1`;
  const day = `DATE('2026-03-01')+INTERVAL n%${DAYS} DAY`;
  await sequelize.query(
    `INSERT INTO holds (id,account_id,owner,amount,captured,released,state,slot,epoch,expires_at,created_at,closed_at)
     SELECT ${id},${account},IF(n%10=3,'job','call'),10,n%7,10-n%7,'captured',1,1,${day},${day},${day} FROM ${numbers(ROWS)}`,
  );
  await sequelize.query(
    `INSERT INTO transfers (id,kind,account_id,amount,hold_id,access_key_id,model_id,price_id,prompt_tokens,completion_tokens,day,created_at)
     SELECT ${id},'charge',${account},-CAST(n%7 AS SIGNED),${id},1,n%${MODELS}+1,1,3,4,${day},${day} FROM ${numbers(ROWS)}`,
  );
  await sequelize.query(
    `INSERT INTO transfers (id,kind,account_id,amount,day,created_at)
     SELECT CONCAT('grant-',${account}),'grant',${account},1000000,'2026-03-01','2026-03-01' FROM ${numbers(ACCOUNTS)}`,
  );
  await sequelize.query(
    `INSERT INTO jobs (id,type,user_id,account_id,status,request,plan,cost,deadline_at,created_at,updated_at)
     SELECT id,'chat',1,account_id,'COMPLETED','{}','{}',captured,created_at,created_at,created_at
       FROM holds WHERE owner='job'`,
  );
  await sequelize.query(
    `INSERT INTO accounts (id,owner_kind,owner_id,available)
     SELECT account_id,'user',account_id,SUM(amount) FROM transfers GROUP BY account_id`,
  );
  await sequelize.query(
    `INSERT INTO stats (day,model_id,slot,requests,successes,prompt_tokens,completion_tokens,cost)
     SELECT day,model_id,1,COUNT(*),COUNT(*),SUM(prompt_tokens),SUM(completion_tokens),-SUM(amount)
       FROM transfers WHERE kind='charge' GROUP BY day,model_id`,
  );
}
