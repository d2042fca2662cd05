import { randomUUID } from 'node:crypto';
import { type Accounts, createAccounts } from '../core/accounts/accounts.ts';
import { formatMoney } from '../core/ledger/money.ts';
import { type AdminCommand, adminCommand, FORMS } from './admin-arguments.ts';
import { askSecret, runCommand } from './command.ts';
import { withLedger } from './services.ts';

const BY_THE_KEYBOARD = { actor: null };
const PAGE_SIZE = 100;
const SHORTEST_PASSWORD = 6;

async function run(accounts: Accounts, command: AdminCommand): Promise<void> {
  switch (command.kind) {
    case 'create-user': {
      const { username, role, balance } = command;
      const password = await askPassword(username);
      const id = await accounts.registration.createUser({ username, password }, role, balance, BY_THE_KEYBOARD);
      return console.log(`user ${id} "${username}" made, ${role}, balance ${formatMoney(balance)}`);
    }
    case 'reset-password': {
      const id = await userId(accounts, command.username);
      await accounts.signIn.resetPassword(id, await askPassword(command.username), BY_THE_KEYBOARD);
      return console.log(`the password of "${command.username}" is set; its login tokens have ended`);
    }
    case 'grant': {
      const { username, amount, reason } = command;
      const adjustment = { userId: await userId(accounts, username), amount, reason, key: randomUUID() };
      const balance = await accounts.userAdministration.adjustBalance(adjustment, BY_THE_KEYBOARD);
      return console.log(`the balance of "${username}" is now ${formatMoney(balance)}`);
    }
    case 'list':
      return list(accounts, command.pageNum);
  }
}

async function list(accounts: Accounts, pageNum: number): Promise<void> {
  const { records, total } = await accounts.userList.page({ pageNum, pageSize: PAGE_SIZE });
  for (const user of records) {
    const state = user.active ? '' : '  disabled';
    const balance = `${formatMoney(user.available)} (held ${formatMoney(user.held)})`;
    console.log(`${user.id}  ${user.username}  ${user.role}  ${balance}${state}`);
  }
  console.log(`${records.length} of ${total} users, page ${pageNum}`);
}

async function userId(accounts: Accounts, username: string): Promise<number> {
  const found = await accounts.users.credentialsOf(username);
  if (found === undefined) throw new Error(`there is no user "${username}"`);
  return found.user.id;
}

async function askPassword(username: string): Promise<string> {
  const password = await askSecret(`Password for ${username}: `);
  if (password.length < SHORTEST_PASSWORD) throw new Error(`a password has at least ${SHORTEST_PASSWORD} characters`);
  return password;
}

await runCommand({
  name: 'admin',
  purpose: 'Users and balances, straight in the database: for the person at the keyboard of the server.',
  forms: FORMS,
  notes: ['Passwords are asked for, or read from a pipe.'],
  run: async (args) => {
    const command = adminCommand(args);
    return withLedger(async (services) => {
      await run(await createAccounts(services), command);
      return 0;
    });
  },
});
