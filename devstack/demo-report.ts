/** What `npm start` says at its end, in 80 columns but for links. */
import type { DemoResult } from './demo.ts';
import { fromNano } from './exact-json.ts';
import type { RootPassword } from './root-password.ts';

const COLUMNS = 80;
const INDENT = ' '.repeat(13);

export interface ReportContext {
  readonly apiUrl: string;
  /** PUBLIC_URL; the same as `apiUrl` unless the user has set it. */
  readonly publicUrl: string;
  readonly temporalUiUrl: string;
  readonly temporalNamespace: string;
  readonly currency: string;
  readonly demoPassword: string;
  readonly root: RootPassword;
  /** ROOT_PASSWORD, with where it comes from. */
  readonly rootSetting: string;
  /** WEBHOOK_PRIVATE_HOSTS. */
  readonly webhooks: string;
  readonly dataFolder: string;
}

/** The answer in quotes, cut at a word so that it fits its line. */
function quoted(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const room = COLUMNS - INDENT.length - 2;
  if (line.length <= room) return `${INDENT}"${line}"`;
  const cut = line.slice(0, room - 2);
  return `${INDENT}"${cut.slice(0, Math.max(cut.lastIndexOf(' '), room / 2))} …"`;
}

function resultLines(demo: DemoResult, currency: string): string[] {
  const money = (amount: string) => `${amount} ${currency}`;
  const right = demo.differenceNano === 0n;
  return [
    `Done just now, by the user "${demo.username}":`,
    `  order      ${demo.order.status}  +${money(demo.order.amount)}`,
    `  async job  ${demo.job.status}  -${money(demo.job.cost)}`,
    quoted(demo.job.answer),
    `  sync chat  COMPLETED  -${money(demo.chat.cost)}`,
    quoted(demo.chat.answer),
    `  balance    ${money(demo.openingBalance)} before, ${money(demo.balance)} now:`,
    `${INDENT}${right ? 'exactly opening + paid - costs' : `WRONG by ${money(fromNano(demo.differenceNano))}`}`,
  ];
}

function rootLines({ root, rootSetting }: ReportContext): string[] {
  const change = `${INDENT}npm run admin -- reset-password root`;
  switch (root.kind) {
    case 'known':
      return [`root user    root / ${root.password}`];
    case 'asked':
      return [`root user    root, with the password of ${rootSetting}`];
    case 'known-not-asked':
      return [
        `root user    root / ${root.password}`,
        `${INDENT}${rootSetting} has no effect: root was there already.`,
        `${INDENT}To change the password:`,
        change,
      ];
    case 'unknown':
      return ['root user    root, with a password that was set elsewhere; for a new one:', change];
  }
}

/** The lines to print. */
export function demoReport(demo: DemoResult, context: ReportContext): string {
  const { apiUrl, publicUrl, temporalUiUrl, temporalNamespace, webhooks } = context;
  return [
    '',
    ...resultLines(demo, context.currency),
    '',
    `Console      ${apiUrl}/console  (sign in as demo or as root, below)`,
    `API          ${apiUrl}`,
    `API docs     ${apiUrl}/docs`,
    ...(publicUrl === apiUrl ? [] : [`in links     ${publicUrl}  (PUBLIC_URL)`]),
    `Temporal UI  ${temporalUiUrl}`,
    'the job there:',
    `${temporalUiUrl}/namespaces/${temporalNamespace}/workflows/${encodeURIComponent(demo.job.workflowId)}`,
    '',
    ...rootLines(context),
    `demo user    ${demo.username} / ${context.demoPassword}`,
    `access key   ${demo.accessKey}`,
    ...(webhooks === '' ? [] : [`webhooks     may go to ${webhooks.replaceAll(',', ' and ')}`]),
    `data, logs   ${context.dataFolder}`,
    '',
    'Try it:',
    `  KEY=${demo.accessKey}`,
    `  curl -s ${apiUrl}/v1/chat -H "ACCESS-KEY: $KEY" \\`,
    `    -H 'Content-Type: application/json' -d '{"userMessage":"Hello"}'`,
    '',
    'A real provider, its models and list prices; asks for your key:',
    '  npm run provider -- add deepseek',
    '',
  ].join('\n');
}
