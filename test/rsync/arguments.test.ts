import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/lib/errors.ts';
import { ArgumentsDecoder } from '../../src/rsync/arguments.ts';
import { feedPieces, inEverySplit } from './splits.ts';

function decode(pieces: Buffer[], protocol = 32): string[][] {
  const decoder = new ArgumentsDecoder(protocol);
  let complete: string[] | undefined;
  return feedPieces(pieces, (reader) => {
    if (complete !== undefined) return undefined;
    complete = decoder.read(reader);
    return complete;
  });
}

const bytes = (text: string) => Buffer.from(text, 'latin1');
const decodeText = (text: string, protocol = 32) => decode([bytes(text)], protocol)[0];

test('arguments end with NUL and the list with an empty one, in every split', () => {
  const list = bytes('--server\0-logDtpre.iLsfxCIvu\0--delete-during\0.\0m/caf\xe9 x\0\0');
  const expected = ['--server', '-logDtpre.iLsfxCIvu', '--delete-during', '.', 'm/caf\xe9 x'];
  inEverySplit(list, [expected], (pieces) => decode(pieces));
});

test('before protocol 30 they end with newlines', () => {
  assert.deepEqual(decodeText('--server\n-logDtpr\n.\nm/\n\n', 29), ['--server', '-logDtpr', '.', 'm/']);
});

test('with -s a second list brings what follows the letters, in every split', () => {
  const list = bytes('--server\0-slogDtpre.iLsfxCIvu\0\0rsync\0--delete\0--max-delete=5\0.\0m/a\\*b c\0\0');
  const expected = ['--server', '-slogDtpre.iLsfxCIvu', '--delete', '--max-delete=5', '.', 'm/a\\*b c'];
  inEverySplit(list, [expected], (pieces) => decode(pieces));
});

test('with -s before protocol 30 the first list does not stop where it should', () => {
  const list = '--server\n-slogDtpr\n(null)\n--delete\n.\nm/\n\nrsync\0--delete\0.\0m/a b\0\0';
  assert.deepEqual(decodeText(list, 29), ['--server', '-slogDtpr', '--delete', '.', 'm/a b']);
});

test('an s among the capabilities does not ask for a second list', () => {
  assert.deepEqual(decodeText('--server\0-re.iLs\0.\0m\0\0'), ['--server', '-re.iLs', '.', 'm']);
});

test('backslashes are taken away from options, not from the destination', () => {
  assert.deepEqual(decodeText('--server\0-re.\0--log-format=\\%i\0--suffix=\\\\x\0.\0m/a\\b[c]*\0\0'), [
    '--server',
    '-re.',
    '--log-format=%i',
    '--suffix=\\x',
    '.',
    'm/a\\b[c]*',
  ]);
});

test('a blank that would split the destination is put back', () => {
  assert.deepEqual(decodeText('--server\0-re.\0.\0m/a[ ]m/b [ ]n/\0\0').at(-1), 'm/a m/b [ ]n/');
});

test('an empty list is a list', () => {
  assert.deepEqual(decodeText('\0'), []);
});

test('exactly the limits are taken, and not one more', () => {
  const many = `${'a\0'.repeat(10_000)}\0`;
  assert.equal(decodeText(many).length, 10_000);
  assert.throws(() => decodeText(`a\0${many}`), ProtocolError);
  const long = `${'a'.repeat((1 << 20) - 1)}\0`;
  assert.equal(decodeText(`${long}\0`)[0].length, (1 << 20) - 1);
  assert.throws(() => decodeText(`b\0${long}\0`), ProtocolError);
});

test('an argument without end is refused once it is too long, however it comes', () => {
  const pieces = Array.from({ length: 2000 }, () => Buffer.alloc(1000, 'a'));
  assert.throws(() => decode(pieces), ProtocolError);
  assert.throws(() => decode([Buffer.alloc((1 << 20) + 1, 'a')]), ProtocolError);
});
