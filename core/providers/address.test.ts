import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOtherServer, kindAfterMove, normalizeUrlBase } from './address.ts';
import { kindOfHost, kindOfImageModel } from './vendors.ts';

test('an endpoint and slashes at the end of a base are cut', () => {
  const bases = {
    'https://api.deepseek.com/v1/chat/completions': 'https://api.deepseek.com/v1',
    ' https://API.deepseek.com/v1/ ': 'https://api.deepseek.com/v1',
    'https://api.deepseek.com': 'https://api.deepseek.com',
    'https://api.deepseek.com/': 'https://api.deepseek.com',
    'https://ark.cn-beijing.volces.com/api/v3/images/generations/': 'https://ark.cn-beijing.volces.com/api/v3',
    'https://dashscope.aliyuncs.com/api/v1/services/aigc/text2image/image-synthesis':
      'https://dashscope.aliyuncs.com/api/v1',
    'http://127.0.0.1:11434/v1/models': 'http://127.0.0.1:11434/v1',
    'https://a.example/models/v1': 'https://a.example/models/v1',
  };
  for (const host of [`${'a'.repeat(63)}.example`, `${'a.'.repeat(123)}example`, 'a.example.', '[2001:db8::1]']) {
    assert.equal(normalizeUrlBase(`https://${host}/v1`), `https://${host}/v1`);
  }
  for (const [text, base] of Object.entries(bases)) assert.equal(normalizeUrlBase(text), base);
});

test('what is no plain http address is refused by field', () => {
  const long = [`http://${'a'.repeat(64)}.example/v1`, `http://${'a.'.repeat(125)}example/v1`, 'http://a..example'];
  const wrong = [
    ...long,
    '',
    'api.openai.com/v1',
    'ftp://a.example',
    'https://user:pw@a.example',
    'https://a.example?key=1',
  ];
  for (const text of [...wrong, 'https://a.example/#x', `https://a.example/${'x'.repeat(500)}`]) {
    assert.throws(() => normalizeUrlBase(text), { name: 'AppError', code: 400001, message: /^urlBase: must/ }, text);
  }
});

test('another host, port or scheme is another server', () => {
  assert.equal(isOtherServer('https://a.example/v1', 'https://a.example/v2'), false);
  for (const other of ['https://b.example/v1', 'https://a.example:8443/v1', 'http://a.example/v1']) {
    assert.equal(isOtherServer('https://a.example/v1', other), true, other);
  }
});

test("vendors' own hosts show their kind, look-alikes do not", () => {
  for (const base of [
    'https://dashscope.aliyuncs.com/compatible-mode/v1',
    'https://dashscope-intl.aliyuncs.com/api/v1',
  ])
    assert.equal(kindOfHost(base), 'dashscope');
  assert.equal(kindOfHost('https://w1.cn-beijing.maas.aliyuncs.com/api/v1'), 'dashscope');
  assert.equal(kindOfHost('https://ark.cn-beijing.volces.com/api/v3'), 'ark');
  assert.equal(kindOfHost('https://ark.ap-southeast.bytepluses.com/api/v3'), 'ark');
  for (const base of ['https://api.openai.com/v1', 'https://dashscope.aliyuncs.com.evil.example', 'https://volces.com'])
    assert.equal(kindOfHost(base), undefined, base);
});

test('a kind that followed from the old host does not go to another, one that was chosen does', () => {
  const [dashscope, ark] = ['https://dashscope.aliyuncs.com/api/v1', 'https://ark.cn-beijing.volces.com/api/v3'];
  const [proxy, other] = ['https://proxy.example/v1', 'https://other.example/v1'];
  const after = (kind: 'openai' | 'dashscope' | 'ark', urlBase: string, next: string) =>
    kindAfterMove({ kind, urlBase }, next);
  assert.equal(after('dashscope', dashscope, other), 'openai');
  assert.equal(after('dashscope', dashscope, ark), 'ark');
  assert.equal(after('openai', proxy, ark), 'ark');
  assert.equal(after('openai', proxy, other), 'openai');
  assert.equal(after('dashscope', proxy, other), 'dashscope', 'a proxy of DashScope that moves');
  assert.equal(after('openai', dashscope, 'https://dashscope.aliyuncs.com/compatible-mode/v1'), 'openai', 'one server');
  assert.equal(after('ark', '', other), 'ark');
  assert.equal(after('openai', '', dashscope), 'dashscope');
});

test('families of image models show their kind', () => {
  for (const name of ['wanx2.1-t2i-turbo', 'wan2.6-image', 'qwen-image-max', 'Qwen-Image']) {
    assert.equal(kindOfImageModel(name), 'dashscope', name);
  }
  for (const name of ['seedream-4-0', 'seededit-3-0', 'doubao-seedream-5-0-260128']) {
    assert.equal(kindOfImageModel(name), 'ark', name);
  }
  for (const name of ['gpt-image-2', 'Qwen/Qwen-Image', 'flux-dev']) assert.equal(kindOfImageModel(name), undefined);
});
