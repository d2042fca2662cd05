/**
 * The gateway as client libraries see it that others have written: each suite runs as a program of its own against the
 * running product, and its customer pays for what the suite has received, by token, image, character and second.
 * (LangChain does not pass on the tokens of embeddings, nor a transcript as subtitles its own, so these are left out.)
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execa } from 'execa';
import { z } from 'zod';
import { systemVariables } from '../../devstack/environment.ts';
import { newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { addProvider } from '../e2e/upstream.ts';
import { folderWithNodeClients } from './node-clients.ts';
import { pythonWithClients } from './python-clients.ts';

const SUITE_TIMEOUT_MS = 4 * 60_000;
const counted = z.object({
  promptTokens: z.coerce.number(),
  completionTokens: z.coerce.number(),
  images: z.coerce.number(),
  characters: z.coerce.number().default(0),
  audioSeconds: z.coerce.number().default(0),
});
const SUITES = [
  { name: 'OpenAI’s Python client', file: 'gateway_openai.py' },
  { name: 'OpenAI’s Node client', file: 'node/openai.js' },
  { name: 'LlamaIndex', file: 'node/llamaindex.js' },
  { name: 'LlamaIndex for Python', file: 'gateway_llamaindex.py', python: 'llamaindex' },
  { name: 'Vercel’s AI SDK', file: 'node/ai-sdk.js' },
  { name: 'LangChain', file: 'node/langchain.js' },
  { name: 'OpenAI’s Agents SDK', file: 'node/agents.js' },
  { name: 'Anthropic’s Python client', file: 'gateway_anthropic.py' },
  { name: 'Anthropic’s Node client', file: 'node/anthropic.js' },
] as const;

describe('client libraries against the gateway', () => {
  let product: Product;
  let pythons: { readonly vendors: string; readonly llamaindex: string };
  let clients: string;
  before(async () => {
    pythons = { vendors: await pythonWithClients(), llamaindex: await pythonWithClients('llamaindex') };
    clients = await folderWithNodeClients();
    product = await startProduct({ name: 'client-libraries', settings: { REGISTRATION_GRANT: '1000' } });
    const models = [
      { identifier: 'sim-thinking', upstream: 'sim-chat-thinking' },
      { identifier: 'sim-tools-broken', upstream: 'sim-chat!tools-broken' },
      { identifier: 'sim-tools-in-turns', upstream: 'sim-chat!tools-in-turns' },
    ];
    await addProvider(product, { name: 'thinking', keys: ['sim-thinking'], models });
    const needs = { chatInterface: 'responses', thinkingSwitch: 'reasoning_effort' } as const;
    const native = [{ identifier: 'sim-native', upstream: 'sim-responses-thinking', needs }];
    await addProvider(product, { name: 'native', keys: ['sim-native'], models: native });
    const claudes = ['sim-claude', 'sim-claude-small'].map((name) => ({ identifier: name, upstream: name }));
    const faulty = Object.entries({ busy: '429', overloaded: '503', breaks: 'error-in-stream=6' }).map(
      ([name, fault]) => ({ identifier: `sim-claude-${name}`, upstream: `sim-claude!${fault}` }),
    );
    await addProvider(product, { name: 'claude', kind: 'anthropic', keys: ['sim-claude-1'], models: claudes });
    await addProvider(product, { name: 'faulty', kind: 'anthropic', keys: ['sim-claude-2'], models: faulty });
  });
  after(() => product.close());

  for (const { name, file, ...suite } of SUITES) {
    test(`${name}: everything arrives, and is charged as it arrived`, async () => {
      const { key, userId } = await newCustomer(product.apis[0]);
      // For what breaks off: its charge is not sent to the client.
      const other = await newCustomer(product.apis[0]);
      const python = pythons['python' in suite ? suite.python : 'vendors'];
      const program = file.endsWith('.py') ? python : process.execPath;
      const result = await execa(program, [join(import.meta.dirname, file)], {
        extendEnv: false,
        env: {
          ...systemVariables(),
          ...{ GATEWAY_URL: product.apis[0]?.url, GATEWAY_KEY: key, OTHER_KEY: other.key, CLIENTS: clients },
          NO_PROXY: '127.0.0.1',
          // No __pycache__ in the checkout.
          PYTHONDONTWRITEBYTECODE: '1',
        },
        timeout: SUITE_TIMEOUT_MS,
        reject: false,
        all: true,
      });
      assert.equal(result.exitCode, 0, result.all);
      const received = counted.parse(JSON.parse(/^(?:# )?received (\{.*\})$/m.exec(result.stdout)?.[1] ?? 'null'));
      const [charged] = await product.rows(
        `SELECT SUM(IF(t.image_count=0 AND t.audio_seconds=0 AND t.completion_tokens>0,t.prompt_tokens,0)) AS promptTokens,
                SUM(IF(t.image_count=0 AND t.audio_seconds=0,t.completion_tokens,0)) AS completionTokens, SUM(t.image_count) AS images,
                SUM(t.characters) AS characters, SUM(t.audio_seconds) AS audioSeconds
           FROM transfers t JOIN accounts a ON a.id=t.account_id
          WHERE a.owner_kind='user' AND a.owner_id=${userId} AND t.kind='charge'`,
      );
      assert.deepEqual(received, counted.parse(charged));
      assert.ok(received.promptTokens > 0);
    });
  }
});
