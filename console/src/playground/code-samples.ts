/** A call of the playground as code, and what other programs are set to. The key is a placeholder: nobody has its text. */

export interface Sample {
  /** Of the API; without a slash at its end. */
  readonly url: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** In which code looks for the key, and what people replace in settings. */
const KEY_VARIABLE = 'GATEWAY_KEY';
const KEY_TEXT = 'ak-…';
const LONGEST_TEXT = 2_000;

/** Pictures in base64 are longer than anybody wants to read. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith('data:') && value.length > LONGEST_TEXT) {
    return `${value.slice(0, value.indexOf(',') + 1)}…`;
  }
  if (Array.isArray(value)) return value.map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shortened(member)]));
}

/** As a literal of JavaScript, which JSON is. */
function scriptOf(value: unknown): string {
  return JSON.stringify(shortened(value), undefined, 2);
}

const INDENT = '    ';

/** As a literal of Python, whose texts are written as in JSON. */
export function pythonOf(value: unknown, indent = ''): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const members = Array.isArray(value)
    ? value.map((member) => pythonOf(member, indent + INDENT))
    : Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${pythonOf(member, indent + INDENT)}`);
  if (members.length === 0) return open + close;
  return `${open}\n${members.map((member) => `${indent}${INDENT}${member},\n`).join('')}${indent}${close}`;
}

/** Inside single quotes a shell takes everything as it is. */
export function quotedForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export const LANGUAGES = {
  curl: ({ url, path, body }: Sample) =>
    [
      `curl ${body.stream === true ? '-N ' : ''}${url}${path} \\`,
      `  -H "Authorization: Bearer $${KEY_VARIABLE}" \\`,
      "  -H 'Content-Type: application/json' \\",
      `  -d ${quotedForShell(scriptOf(body))}`,
    ].join('\n'),
  Python: ({ url, path, body }: Sample) =>
    [
      ...['import json', 'import os', 'import urllib.request', '', `body = ${pythonOf(shortened(body))}`],
      ...['request = urllib.request.Request(', `${INDENT}${JSON.stringify(url + path)},`],
      `${INDENT}json.dumps(body).encode(),`,
      `${INDENT}{"Authorization": f"Bearer {os.environ['${KEY_VARIABLE}']}", "Content-Type": "application/json"},`,
      ...[')', 'with urllib.request.urlopen(request) as answer:', `${INDENT}for line in answer:`],
      `${INDENT}${INDENT}print(line.decode(), end="", flush=True)`,
    ].join('\n'),
  Node: ({ url, path, body }: Sample) =>
    [
      `const answer = await fetch(${JSON.stringify(url + path)}, {`,
      "  method: 'POST',",
      `  headers: { authorization: \`Bearer \${process.env.${KEY_VARIABLE}}\`, 'content-type': 'application/json' },`,
      `  body: JSON.stringify(${scriptOf(body).replaceAll('\n', '\n  ')}),`,
      '});',
      'for await (const part of answer.body.pipeThrough(new TextDecoderStream())) process.stdout.write(part);',
    ].join('\n'),
} as const;

/** Lines that set a program to this gateway and model, as docs/clients tells them. */
export const PROGRAMS: Readonly<Record<string, (url: string, model: string) => string>> = {
  'Claude Code': (url, model) =>
    [
      `export ANTHROPIC_BASE_URL=${url}`,
      `export ANTHROPIC_API_KEY=${KEY_TEXT}`,
      `claude --model ${quotedForShell(model)}`,
    ].join('\n'),
  Codex: (url, model) =>
    [
      ...['# ~/.codex/config.toml', `model = ${JSON.stringify(model)}`, 'model_provider = "gateway"', ''],
      ...['[model_providers.gateway]', 'name = "Gateway"', `base_url = ${JSON.stringify(`${url}/v1`)}`],
      ...[`env_key = "${KEY_VARIABLE}"`, 'wire_api = "responses"', ''],
      ...['# shell', `export ${KEY_VARIABLE}=${KEY_TEXT}`, 'codex'],
    ].join('\n'),
  'AI SDK': (url, model) =>
    [
      "import { createOpenAI } from '@ai-sdk/openai';",
      '',
      `const gateway = createOpenAI({ baseURL: ${JSON.stringify(`${url}/v1`)}, apiKey: process.env.${KEY_VARIABLE} });`,
      `const model = gateway.chat(${JSON.stringify(model)});`,
    ].join('\n'),
  'OpenAI SDK': (url, model) =>
    [
      ...['import os', 'from openai import OpenAI', ''],
      `client = OpenAI(base_url=${JSON.stringify(`${url}/v1`)}, api_key=os.environ["${KEY_VARIABLE}"])`,
      `answer = client.chat.completions.create(model=${JSON.stringify(model)},`,
      `${INDENT}messages=[{"role": "user", "content": "Hello"}])`,
    ].join('\n'),
  'Cherry Studio': (url, model) =>
    [
      'Settings → Model Provider → Add → OpenAI',
      `API Key   ${KEY_TEXT}`,
      `API Host  ${url}`,
      `Model     ${model}`,
    ].join('\n'),
  'Open WebUI': (url) => [`OPENAI_API_BASE_URL=${url}/v1`, `OPENAI_API_KEY=${KEY_TEXT}`].join('\n'),
  Cline: (url, model) =>
    [
      'API Provider  OpenAI Compatible',
      `Base URL      ${url}/v1`,
      `API Key       ${KEY_TEXT}`,
      `Model ID      ${model}`,
    ].join('\n'),
  LobeChat: (url, model) =>
    [`OPENAI_API_KEY=${KEY_TEXT}`, `OPENAI_PROXY_URL=${url}/v1`, `OPENAI_MODEL_LIST=-all,+${model}`].join('\n'),
};
