import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { checkSignature, signatureOf } from './signature.ts';

const SECRET = 'a-secret-of-the-test';
const NOW_MS = 1_795_000_000_123;
const NOW = '1795000000';
const BODY = Buffer.from('{"orderNo":"1","amount":10.5}');
const good = signatureOf(SECRET, NOW, BODY);
const check = (header: string, body: Uint8Array = BODY) => checkSignature(header, SECRET, body, NOW_MS);

describe('checkSignature', () => {
  it('takes HMAC-SHA256 of "<t>.<body>" in hex, as anyone can make it', () => {
    const made = createHmac('sha256', SECRET).update(`${NOW}.${BODY.toString()}`).digest('hex');
    assert.equal(check(`t=${NOW},v1=${made}`), 'valid');
    assert.equal(check(` t=${NOW} , v1=${made.toUpperCase()} `), 'valid');
  });

  it('takes one good signature among several', () => {
    const old = signatureOf('the-secret-before', NOW, BODY);
    assert.equal(check(`t=${NOW},v1=${old},v1=${good}`), 'valid');
    assert.equal(check(`t=${NOW},v1=${old},v0=${good}`), 'forged');
  });

  it('refuses another body, another secret, another time', () => {
    assert.equal(check(`t=${NOW},v1=${good}`, Buffer.from('{"orderNo":"2","amount":10.5}')), 'forged');
    assert.equal(check(`t=${NOW},v1=${signatureOf('another-secret', NOW, BODY)}`), 'forged');
    assert.equal(check(`t=1795000001,v1=${good}`), 'forged');
    assert.equal(check(`t=${NOW},v1=${'0'.repeat(64)}`), 'forged');
  });

  it('refuses a timestamp more than 5 minutes away, either way', () => {
    const at = (seconds: number) => {
      const time = String(Number(NOW) + seconds);
      return check(`t=${time},v1=${signatureOf(SECRET, time, BODY)}`);
    };
    assert.equal(at(-299), 'valid');
    assert.equal(at(300), 'valid');
    assert.equal(at(-301), 'old');
    assert.equal(at(301), 'old');
    assert.equal(at(Number(NOW) * 999), 'malformed', 'milliseconds');
  });

  it('refuses what has not its form', () => {
    const headers = ['', 'nonsense', `v1=${good}`, `t=${NOW}`, `t=${NOW},v1=`, `t=${NOW},v1=${good.slice(1)}`];
    for (const header of headers) assert.equal(check(header), 'malformed', header);
    assert.equal(check(`t=-1,v1=${good}`), 'malformed');
    assert.equal(check(`t=${NOW},t=${NOW},v1=${good}`), 'malformed');
    assert.equal(check(`t=${NOW},v1=${'é'.repeat(64)}`), 'forged');
  });
});
