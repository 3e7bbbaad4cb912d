import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusedError } from '../../src/lib/errors.ts';
import { Charset } from '../../src/rsync/charset.ts';

const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

test('names go to a character set and back', () => {
  const latin = Charset.open('ISO-8859-1')!;
  assert.equal(latin.fromUtf8(utf8('dir/é')), 'dir/\xe9');
  assert.equal(latin.toUtf8('dir/\xe9').toString(), 'dir/é');
  const japanese = Charset.open('Shift_JIS')!;
  const kept = japanese.fromUtf8(utf8('表/ソ'))!;
  assert.equal(kept, '\x95\\/\x83\\');
  assert.equal(japanese.toUtf8(kept).toString(), '表/ソ');
});

test('what has no counterpart is not converted, and replaced by nothing', () => {
  const latin = Charset.open('iso88591')!;
  assert.equal(latin.fromUtf8(utf8('€')), undefined);
  assert.equal(latin.fromUtf8('\xff'), undefined);
  assert.equal(latin.fromUtf8('\xc3'), undefined);
  assert.equal(Charset.open('us-ascii')!.fromUtf8(utf8('é')), undefined);
  const own = Charset.open('.')!;
  assert.equal(own.fromUtf8(utf8('\ufeffé')), utf8('\ufeffé'));
  assert.equal(own.fromUtf8('\xed\xa0\x80'), undefined);
});

test('bytes that are no text are shown as they are', () => {
  assert.equal(Charset.open('utf-8')!.toUtf8('\xff x').toString('latin1'), '\xff x');
  assert.equal(Charset.open('euc-jp')!.toUtf8('\x8f').toString('latin1'), '\x8f');
});

test('a part of a path that becomes too long cannot be converted', () => {
  // three bytes in UTF-8, four in GB18030
  const wide = Charset.open('GB18030')!;
  const letter = 'ໄ';
  assert.ok(utf8(letter.repeat(64)).length < 255);
  assert.equal(wide.fromUtf8(utf8(letter.repeat(64))), undefined);
  assert.equal(wide.fromUtf8(utf8(letter.repeat(63)))?.length, 252);
});

test('character sets in which a slash is another byte, or that are none, are refused', () => {
  for (const name of [
    'UTF-16',
    'UTF-16LE',
    'UTF-32',
    'UTF-7',
    'UTF-7-IMAP',
    'hex',
    'base64',
    'nonsense',
    '\x1b[2J',
    '__proto__',
  ])
    assert.throws(() => Charset.open(name), RefusedError, name);
  assert.equal(Charset.open(undefined), undefined);
  assert.equal(Charset.open('-'), undefined);
});
