import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { LANGUAGES, PROGRAMS, pythonOf, quotedForShell } from './code-samples.ts';

const HOSTILE = 'it\'s "quoted" $HOME `id` \\ \n {{x}} 你好';
const sample = {
  ...{ url: 'http://api.test', path: '/v1/chat/completions' },
  body: { model: 'm', stream: true, messages: [{ role: 'user', content: HOSTILE }] },
};

test('a shell gives curl the body as it is, whatever is in it', () => {
  const [before, data] = LANGUAGES.curl(sample).split('  -d ');
  const told = execFileSync('sh', ['-c', `printf %s ${data}`], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(told), sample.body);
  assert.match(
    before ?? '',
    /^curl -N http:\/\/api\.test\/v1\/chat\/completions \\\n {2}-H "Authorization: Bearer \$GATEWAY_KEY"/,
  );
  assert.equal(execFileSync('sh', ['-c', `printf %s ${quotedForShell(HOSTILE)}`], { encoding: 'utf8' }), HOSTILE);
});

test('what Node is given is the same body', async () => {
  const asked: unknown[] = [];
  const fetch = (url: string, options: { body: string; headers: unknown }) => {
    asked.push(url, JSON.parse(options.body), options.headers);
    return { body: { pipeThrough: () => [] } };
  };
  const program = `(async () => {${LANGUAGES.Node(sample)}})()`;
  await runInNewContext(program, { fetch, process: { env: { GATEWAY_KEY: 'ak-1' } }, TextDecoderStream });
  const [url, body, headers] = asked;
  assert.deepEqual([url, body], ['http://api.test/v1/chat/completions', sample.body]);
  assert.deepEqual({ ...Object(headers) }, { authorization: 'Bearer ak-1', 'content-type': 'application/json' });
});

test('Python has its own words for nothing and for yes and no', () => {
  assert.equal(
    pythonOf({ a: null, b: [true, false], c: [], d: 1.5, e: 'x"' }),
    `{
    "a": None,
    "b": [
        True,
        False,
    ],
    "c": [],
    "d": 1.5,
    "e": "x\\"",
}`,
  );
});

test('a long picture is left out of the code', () => {
  const image = `data:image/png;base64,${'A'.repeat(5_000)}`;
  for (const write of Object.values(LANGUAGES)) {
    const text = write({ ...sample, body: { messages: [{ content: [{ image_url: { url: image } }] }] } });
    assert.ok(text.includes('"data:image/png;base64,…"') && text.length < 1_000, text);
  }
});

test('no code has a key, and each program has the address', () => {
  const texts = [
    ...Object.values(LANGUAGES).map((write) => write(sample)),
    ...Object.values(PROGRAMS).map((write) => write('http://api.test', 'sim-chat')),
  ];
  for (const text of texts) {
    assert.match(text, /GATEWAY_KEY|ak-…/);
    assert.match(text, /http:\/\/api\.test/);
  }
});
