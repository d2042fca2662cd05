/** What `npm run admin` was asked to do. Pure. */
import { ROLES, type Role } from '../core/accounts/caller.ts';
import { parseMoney } from '../core/ledger/money.ts';
import { readWords, UsageError } from './command.ts';

export type AdminCommand =
  | { readonly kind: 'create-user'; readonly username: string; readonly role: Role; readonly balance: bigint }
  | { readonly kind: 'reset-password'; readonly username: string }
  | { readonly kind: 'grant'; readonly username: string; readonly amount: bigint; readonly reason: string }
  | { readonly kind: 'list'; readonly pageNum: number };

export const FORMS = [
  `create-user NAME [--role ${ROLES.join('|')}] [--balance AMOUNT]`,
  'reset-password NAME',
  'grant NAME AMOUNT [--reason TEXT]      a negative amount takes away',
  'list [--page NUMBER]',
];

const DEFAULT_REASON = 'granted on the command line';

/** @throws UsageError that says what is wrong. */
export function adminCommand(args: readonly string[]): AdminCommand {
  const { values, positionals } = readWords(protectNegative(args), {
    role: { type: 'string' },
    balance: { type: 'string' },
    reason: { type: 'string' },
    page: { type: 'string' },
  });
  const [kind, ...names] = positionals;
  const command = kind === undefined ? undefined : COMMANDS.get(kind);
  if (kind === undefined || command === undefined) {
    throw new UsageError(kind === undefined ? 'a command is missing' : `"${kind}" is no command`);
  }
  const stray = Object.keys(values).find((name) => !command.options.includes(name));
  if (stray !== undefined) throw new UsageError(`${kind} has no option --${stray}`);
  const missing = command.names[names.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  const surplus = names[command.names.length];
  if (surplus !== undefined) throw new UsageError(`"${surplus}" is one word too many`);
  return command.read(names, values);
}

interface Options {
  readonly role?: string | undefined;
  readonly balance?: string | undefined;
  readonly reason?: string | undefined;
  readonly page?: string | undefined;
}

interface Command {
  /** What stands after it, each needed. */
  readonly names: readonly string[];
  readonly options: readonly string[];
  read(names: readonly string[], options: Options): AdminCommand;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  [
    'create-user',
    {
      names: ['NAME'],
      options: ['role', 'balance'],
      read: ([username = ''], { role = 'ROLE_USER', balance = '0' }) => ({
        kind: 'create-user',
        username,
        role: roleOf(role),
        balance: amountOf(plain(balance)),
      }),
    },
  ],
  [
    'reset-password',
    { names: ['NAME'], options: [], read: ([username = '']) => ({ kind: 'reset-password', username }) },
  ],
  [
    'grant',
    {
      names: ['NAME', 'AMOUNT'],
      options: ['reason'],
      read: ([username = '', amount = ''], { reason = DEFAULT_REASON }) => ({
        kind: 'grant',
        username,
        amount: amountOf(plain(amount)),
        reason,
      }),
    },
  ],
  [
    'list',
    { names: [], options: ['page'], read: (_names, { page = '1' }) => ({ kind: 'list', pageNum: pageOf(page) }) },
  ],
]);

function pageOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`"${text}" is no page number`);
}

const NEGATIVE_MARK = 'minus:';

/** parseArgs would take -5 for an option. */
function protectNegative(args: readonly string[]): string[] {
  return args.map((arg) => (/^-\d/.test(arg) ? NEGATIVE_MARK + arg.slice(1) : arg));
}

function plain(amount: string): string {
  return amount.startsWith(NEGATIVE_MARK) ? `-${amount.slice(NEGATIVE_MARK.length)}` : amount;
}

function amountOf(text: string): bigint {
  const amount = parseMoney(text);
  if (amount !== undefined) return amount;
  throw new UsageError(`"${text}" is not an amount with at most 9 decimals`);
}

function roleOf(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (role !== undefined) return role;
  throw new UsageError(`"${text}" is not a role`);
}
