/** What `npm run admin` was asked to do. Pure. */
import { parseArgs } from 'node:util';
import { parseMoney } from '../../billing/money.ts';
import { ROLES, type Role } from '../caller.ts';

export type AdminCommand =
  | { readonly kind: 'create-user'; readonly username: string; readonly role: Role; readonly balance: bigint }
  | { readonly kind: 'reset-password'; readonly username: string }
  | { readonly kind: 'grant'; readonly username: string; readonly amount: bigint; readonly reason: string }
  | { readonly kind: 'list'; readonly pageNum: number };

export const USAGE = `usage:
  npm run admin -- create-user NAME [--role ${ROLES.join('|')}] [--balance AMOUNT]
  npm run admin -- reset-password NAME
  npm run admin -- grant NAME AMOUNT [--reason TEXT]      a negative amount takes away
  npm run admin -- list [--page NUMBER]
Passwords are asked for, or read from a pipe.`;

const DEFAULT_REASON = 'granted on the command line';

/** @throws Error that says what is wrong and how to call it. */
export function adminCommand(args: readonly string[]): AdminCommand {
  const { values, positionals } = parseArgs({
    args: protectNegative(args),
    options: {
      role: { type: 'string', default: 'ROLE_USER' },
      balance: { type: 'string', default: '0' },
      reason: { type: 'string', default: DEFAULT_REASON },
      page: { type: 'string', default: '1' },
    },
    allowPositionals: true,
  });
  const [kind, username = '', amount = ''] = positionals;
  if (kind === 'list') return { kind, pageNum: Math.max(1, Number.parseInt(values.page, 10) || 1) };
  if (username === '') throw new Error(USAGE);
  if (kind === 'create-user') return { kind, username, role: roleOf(values.role), balance: amountOf(values.balance) };
  if (kind === 'reset-password') return { kind, username };
  if (kind === 'grant') return { kind, username, amount: amountOf(plain(amount)), reason: values.reason };
  throw new Error(USAGE);
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
  throw new Error(`"${text}" is not an amount with at most 9 decimals\n${USAGE}`);
}

function roleOf(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (role !== undefined) return role;
  throw new Error(`"${text}" is not a role\n${USAGE}`);
}
