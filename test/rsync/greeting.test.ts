import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError, RefusedError } from '../../src/lib/errors.ts';
import { formatGreeting, parseGreeting, parseModuleRequest } from '../../src/rsync/greeting.ts';
import { Random } from '../support/random.ts';

test('our greeting lists the digests that are accepted', () => {
  assert.equal(formatGreeting(), '@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n');
  assert.equal(formatGreeting(['sha512', 'sha256'], 31), '@RSYNCD: 31.0 sha512 sha256\n');
});

test('greetings of clients since 3.0', () => {
  const protocolOf = (line: string) => parseGreeting(line).protocol;
  assert.equal(protocolOf('@RSYNCD: 30.0'), 30);
  assert.equal(protocolOf('@RSYNCD: 31.0'), 31);
  assert.equal(protocolOf('@RSYNCD: 31.0\r'), 31);
  assert.equal(protocolOf('@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4'), 32);
  assert.equal(protocolOf('@RSYNCD: 32.1 md5'), 31);
  assert.equal(protocolOf('@RSYNCD: 31.14'), 30);
  assert.equal(protocolOf('@RSYNCD: 40.9 md5'), 32);
  assert.equal(parseGreeting('@RSYNCD: 31.0').digests, undefined);
  assert.deepEqual(parseGreeting('@RSYNCD: 31.0 ').digests, []);
  assert.deepEqual(parseGreeting('@RSYNCD: 32.0 sha512  md5').digests, ['sha512', 'md5']);
});

test('what is no greeting is refused', () => {
  const lines = [
    '',
    '@RSYNCD: 99.9 md5',
    '@RSYNCD: -1',
    '@RSYNCD: 31.junk',
    '@RSYNCD: 31',
    '@RSYNCD: 32.0',
    '@RSYNCD: 19.0',
    '@RSYNCD: 32.0 md5\x00',
    '@RSYNCD: 32.0 md5\x1b[2J',
    '@RSYNCD: 00000000000000000000000000000032.0 md5',
    '@RSYNCD: 0x20.0 md5',
    '@RSYNCD:32.0 md5',
    ' @RSYNCD: 32.0 md5',
    'GET / HTTP/1.1',
    'SSH-2.0-OpenSSH_9.2',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ];
  for (const line of lines) assert.throws(() => parseGreeting(line), ProtocolError, JSON.stringify(line));
});

test('random lines are never taken for a greeting', () => {
  const random = new Random(17);
  for (let i = 0; i < 2000; i++) {
    const line = random.bytes(random.below(80)).toString('latin1');
    assert.throws(() => parseGreeting(line), ProtocolError);
    assert.throws(() => parseGreeting(`@RSYNCD: ${line}`), ProtocolError);
  }
});

test('clients older than 2.6 are told which rsync they need', () => {
  for (const line of ['@RSYNCD: 26', '@RSYNCD: 20.0', '@RSYNCD: 27.1']) {
    assert.throws(
      () => parseGreeting(line),
      (error) => error instanceof RefusedError && /rsync 2\.6/.test(error.message),
    );
  }
  assert.equal(parseGreeting('@RSYNCD: 27').protocol, 27);
  assert.equal(parseGreeting('@RSYNCD: 30.1').protocol, 29);
});

test('the module line', () => {
  assert.deepEqual(parseModuleRequest(''), { kind: 'list' });
  assert.deepEqual(parseModuleRequest('#list'), { kind: 'list' });
  assert.deepEqual(parseModuleRequest('#early_input=5120'), { kind: 'early-input', length: 5120 });
  assert.deepEqual(parseModuleRequest('web-1.example'), { kind: 'module', name: 'web-1.example', valid: true });
  for (const line of ['#early_input=', '#early_input=0', '#early_input=-1', '#early_input=5121', '#early_input=1e3'])
    assert.throws(() => parseModuleRequest(line), ProtocolError, line);
  assert.throws(
    () => parseModuleRequest(`#exit \x1b[2J${'x'.repeat(900)}`),
    (error) => error instanceof RefusedError && error.message.length < 200 && !error.message.includes('\x1b'),
  );
});

test('names that no module can have are told apart, not refused', () => {
  for (const name of ['../x', 'a/b', '.', '-x', 'a b', '%s', 'x'.repeat(65), 'caf\xe9', 'a\x01'])
    assert.deepEqual(parseModuleRequest(name), { kind: 'module', name, valid: false });
});
