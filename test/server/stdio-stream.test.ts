import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { Input } from '../../src/push/input.ts';
import { Demultiplexer } from '../../src/rsync/mux.ts';
import { StartReader } from '../../src/server/ssh/start-reader.ts';
import { StdioStream } from '../../src/server/ssh/stdio-stream.ts';

const PIECE = Buffer.alloc(64 * 1024, 'x');

test('what nobody reads is not taken from standard input', async () => {
  let taken = 0;
  const endless = new Readable({
    read() {
      taken += PIECE.length;
      setImmediate(() => this.push(PIECE));
    },
  });
  const stream = new StdioStream(endless, new PassThrough());
  stream.once('readable', () => undefined);
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(taken < 8 * PIECE.length, `${taken} bytes`);
  stream.destroy();
});

test('what standard output does not take is counted as waiting, and drains', async () => {
  const held: (() => void)[] = [];
  const stuck = new Writable({
    write(_chunk, _encoding, done) {
      held.push(done);
    },
  });
  const stream = new StdioStream(new PassThrough(), stuck);
  assert.equal(stream.write(PIECE), false);
  for (let i = 0; i < 9; i++) stream.write(PIECE);
  assert.ok(stream.writableLength >= 9 * PIECE.length);
  const drained = once(stream, 'drain');
  const release = () => {
    held.shift()?.();
    if (stream.writableLength > 0) setImmediate(release);
  };
  release();
  await drained;
  assert.equal(stream.writableLength, 0);
  stream.destroy();
});

test('an end of standard input ends reading only; an error of either half ends both', async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const stream = new StdioStream(input, output);
  stream.resume();
  input.end();
  await once(stream, 'end');
  assert.equal(stream.writable, true);
  output.destroy(new Error('EPIPE'));
  await new Promise((resolve) => stream.once('close', resolve));
  assert.equal(input.destroyed, true);
});

test('what a start reader leaves is handed on, split wherever it may be', async () => {
  const bytes = Buffer.from('@RSYNCD: 32.0 sha512\nweb1\nthe rest of it');
  for (let at = 0; at <= bytes.length; at++) {
    const input = new PassThrough();
    const stream = new StdioStream(input, new PassThrough());
    const reader = new StartReader(stream);
    input.write(bytes.subarray(0, at));
    setImmediate(() => input.end(bytes.subarray(at))); // sometimes before the reader has ended, sometimes after
    assert.equal(await reader.line(), '@RSYNCD: 32.0 sha512');
    assert.equal(await reader.line(), 'web1');
    const rest = new Input(stream, new Demultiplexer(() => undefined), reader.rest());
    assert.equal(await rest.read((bytes) => bytes.latin1(14)), 'the rest of it', `split at ${at}`);
    await assert.rejects(
      rest.read((bytes) => bytes.u8()),
      { code: 'ERR_CONNECTION_CUT' },
    );
  }
});
