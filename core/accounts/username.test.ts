import assert from 'node:assert/strict';
import { test } from 'node:test';
import { looksReserved, readUsername, shapeOf } from './username.ts';

test('ordinary names pass as they are', () => {
  const names = [
    'alice',
    'Alice W.',
    "o'neil_7",
    'a.b@example.com',
    'zoé',
    'Łukasz',
    'Nguyễn Văn',
    'straße',
    '<b>x</b>',
    '13800138000',
  ];
  const eastAsian = [
    '张三李四',
    '小明abc',
    '阿依古丽·买买提',
    'ユーザー',
    'たなか さん',
    '佐々木',
    '김철수',
    '王小明 2',
  ];
  for (const name of [...names, ...eastAsian]) assert.equal(readUsername(name), name);
});

test('spellings of one name are kept as one', () => {
  const kept = {
    ' new  user ': 'new user',
    ａｌｉｃｅ: 'alice',
    𝐫𝐨𝐨𝐭: 'root',
    'zoe\u0301': 'zoé',
    ｶﾀｶﾅ: 'カタカナ',
    '㍿名前': '株式会社名前',
    'a\u00a0bc': 'a bc',
  };
  for (const [text, name] of Object.entries(kept)) assert.equal(readUsername(text), name);
});

test('letters of other scripts, invisible, joining and turning characters are refused', () => {
  const wrong = {
    cyrillic: ['rооt', 'аdmin', 'гооt', 'Иванов'],
    greek: ['rοοt', 'αβγδ'],
    'other scripts': ['ꓣoot', 'ᏒᎾᎾᎢ', 'ռօօτ', 'ⲣoot', '１２３\u0661', 'ᎪᏞᏞ'],
    'odd Latin': ['ʀoot', 'roɑd', 'ꜱystem', 'roo\u0287', 'ｄıg', 'ƨystem', 'ȷohn', 'ɡood'],
    invisible: [
      'ro\u200bot',
      'ro\u00adot',
      'root\u2060',
      'ro\ufeffot',
      'root\u3164',
      'root\u2800',
      'root\u115f',
      'ro\u034fot',
    ],
    tags: ['root\u{e0061}', 'root\u{e0100}', 'root\ufe0f', 'root\u180e'],
    bidi: ['root\u202e', '\u202eabc', 'abc\u2066', 'toor\u200e', 'abc\u061c'],
    control: ['a\tbc', 'a\nbc', 'abc\u0000d', 'abc\u0085d', 'abc\u007f', 'abc\ud800'],
    marks: ['r\u0337oot', 'abc\u0489', 'a\u20ddbc', 'abć\u0301\u0301', '\u0301abc'],
    strokes: ['a丨ice', 'r〇〇t', 'aㅣbc'],
    spaces: ['a\u2028bc', 'a\u1680bc'],
    private: ['abc\ue000', 'abc\uffff', 'abc😀'],
    lengths: ['', 'ab', '  a ', 'a'.repeat(51), 'ﷺ'.repeat(3)],
    mixture: ['한글カナ'],
    ids: ['123', '0042', '4294967295', '１２３'],
  };
  for (const [kind, names] of Object.entries(wrong)) {
    for (const name of names) {
      assert.throws(() => readUsername(name), { kind: 'invalidParameter', message: /^username: / }, `${kind}: ${name}`);
    }
  }
});

test('names that are hard to tell apart have one shape', () => {
  const pairs = [
    ['alice', 'aIice'],
    ['alice', 'ALICE'],
    ['alice', 'al1ce'],
    ['alice', 'a|íce'],
    ['Bob', 'B0b'],
    ['mary', 'rnary'],
    ['wendy', 'vvendy'],
    ['zoe', 'Zoé'],
  ];
  for (const [name = '', other = ''] of pairs) assert.equal(shapeOf(name), shapeOf(other), other);
  assert.notEqual(shapeOf('person-1'), shapeOf('person-2'));
  assert.notEqual(shapeOf('张三'), shapeOf('张二'));
});

test('what looks like the first administrator is reserved', () => {
  const names = ['root', 'ROOT', 'Röot', 'r00t', 'ro0t', 'root.', '_root_', 'r.o.o.t', 'r o o t', 'adm1n', 'ADMlN'];
  for (const name of names) assert.equal(looksReserved(name), true, name);
  for (const name of ['roots', 'rooty', 'root2', 'alice', '张三']) assert.equal(looksReserved(name), false, name);
});
