/** What `npm start` says at its end. */
import type { DemoResult } from './demo.ts';
import { fromNano } from './exact-json.ts';

const ANSWER_CHARACTERS = 60;

export interface Addresses {
  readonly apiUrl: string;
  readonly temporalUiUrl: string;
  readonly temporalNamespace: string;
  readonly currency: string;
  readonly rootPassword: string;
  readonly dataFolder: string;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > ANSWER_CHARACTERS ? `${line.slice(0, ANSWER_CHARACTERS - 1)}…` : line;
}

function resultLines(demo: DemoResult, addresses: Addresses): string[] {
  const money = (amount: string) => `${amount} ${addresses.currency}`;
  const right = demo.differenceNano === 0n;
  return [
    'Done just now, by the user "demo":',
    `  order      ${demo.order.status}  +${money(demo.order.amount)}  (${demo.order.orderNo})`,
    `  async job  ${demo.job.status}  -${money(demo.job.cost)}  "${shorten(demo.job.answer)}"`,
    `  sync chat  COMPLETED  -${money(demo.chat.cost)}  "${shorten(demo.chat.answer)}"`,
    `  balance    ${money(demo.openingBalance)} before, ${money(demo.balance)} now: ` +
      (right ? 'exactly opening + paid - costs' : `WRONG by ${fromNano(demo.differenceNano)}`),
  ];
}

/** The lines to print. */
export function demoReport(demo: DemoResult, addresses: Addresses): string {
  const { apiUrl, temporalUiUrl, temporalNamespace } = addresses;
  const json = "-H 'Content-Type: application/json'";
  return [
    '',
    ...resultLines(demo, addresses),
    '',
    `API          ${apiUrl}`,
    `API docs     ${apiUrl}/docs`,
    `Temporal UI  ${temporalUiUrl}`,
    `the job      ${temporalUiUrl}/namespaces/${temporalNamespace}/workflows/${demo.job.id}`,
    '',
    `root user    root / ${addresses.rootPassword}`,
    `access key   ${demo.accessKey}`,
    `data, logs   ${addresses.dataFolder}`,
    '',
    'Try it:',
    `  curl -s ${apiUrl}/v1/chat -H 'ACCESS-KEY: ${demo.accessKey}' ${json} -d '{"userMessage":"Hello"}'`,
    '',
    'A real provider, with its key (any OpenAI-compatible base URL; prices are per token):',
    `  TOKEN=$(curl -s ${apiUrl}/v1/auth/login ${json} \\`,
    `    -d '{"username":"root","password":"${addresses.rootPassword}"}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')`,
    `  curl -s ${apiUrl}/v1/models -H "Authorization: Bearer $TOKEN" ${json} -d '{"displayName":"Qwen Plus",`,
    `    "modelIdentifier":"qwen-plus","capabilities":["text-to-text"],"priority":1,"providerName":"Alibaba",`,
    `    "urlBase":"https://dashscope.aliyuncs.com/compatible-mode/v1","apiKey":"sk-...",`,
    `    "pricing":{"input":"0.0000008","output":"0.000002"}}'`,
    '',
  ].join('\n');
}
