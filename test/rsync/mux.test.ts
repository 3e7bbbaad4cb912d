import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/lib/errors.ts';
import { Demultiplexer, encodeData, encodeFrame, MessageTag } from '../../src/rsync/mux.ts';
import { Random } from '../support/random.ts';
import { everySplit } from './splits.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Takes `pieces` apart; data and messages in the order in which they can be told apart. */
function demultiplex(pieces: Buffer[]): { data: string; messages: [number, string][] } {
  const messages: [number, string][] = [];
  const demultiplexer = new Demultiplexer((tag, payload) => messages.push([tag, payload.toString('hex')]));
  demultiplexer.start();
  const { reader } = demultiplexer;
  const data: Buffer[] = [];
  for (const piece of pieces) {
    demultiplexer.feed(piece);
    // leave a byte behind now and then
    const take = reader.available > 3 ? reader.available - 1 : 0;
    data.push(Buffer.from(reader.view(take)));
  }
  data.push(Buffer.from(reader.view(reader.available)));
  return { data: Buffer.concat(data).toString('hex'), messages };
}

test('a frame is its tag and length, then its bytes', () => {
  assert.deepEqual(encodeFrame(MessageTag.data, hex('aabb')), hex('02000007 aabb'));
  assert.deepEqual(encodeFrame(MessageTag.errorExit, hex('01000000')), hex('0400005d 01000000'));
  assert.deepEqual(encodeFrame(MessageTag.noop, Buffer.alloc(0)), hex('00000031'));
  assert.deepEqual(encodeData(Buffer.alloc(0)), hex('00000007'));
  assert.throws(() => encodeFrame(MessageTag.data, Buffer.alloc(1 << 24)), RangeError);
});

test('data and messages come apart the same way in every split', () => {
  const stream = Buffer.concat([
    encodeData(Buffer.from('hello, ')),
    encodeFrame(MessageTag.noop, Buffer.alloc(0)),
    encodeData(Buffer.alloc(0)),
    encodeFrame(MessageTag.ioError, hex('01000000')),
    encodeData(Buffer.from('world')),
    encodeFrame(MessageTag.warning, Buffer.from('x')),
    encodeFrame(MessageTag.noSend, hex('05000000')),
    encodeFrame(MessageTag.errorExit, Buffer.alloc(0)),
  ]);
  const expected = {
    data: Buffer.from('hello, world').toString('hex'),
    messages: [
      [MessageTag.noop, ''],
      [MessageTag.ioError, '01000000'],
      [MessageTag.warning, '78'],
      [MessageTag.noSend, '05000000'],
      [MessageTag.errorExit, ''],
    ],
  };
  for (const pieces of everySplit(stream)) assert.deepEqual(demultiplex(pieces), expected);
});

test('megabytes of data go through frames of every size', () => {
  const random = new Random(3);
  const data = random.bytes(3_000_000);
  const frames: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const length = 1 + random.below(random.below(4) === 0 ? 500_000 : 3000);
    frames.push(encodeFrame(MessageTag.data, data.subarray(at, at + length)));
    at += length;
  }
  const stream = Buffer.concat(frames);
  const pieces: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = 1 + random.below(70_000);
    pieces.push(stream.subarray(at, at + length));
    at += length;
  }
  assert.equal(demultiplex(pieces).data, data.toString('hex'));
  assert.equal(demultiplex([encodeData(data)]).data, data.toString('hex'));
});

test('what was read ahead of the first frame is taken apart too', () => {
  const demultiplexer = new Demultiplexer(() => assert.fail('no message was sent'));
  demultiplexer.feed(Buffer.concat([Buffer.from('plain'), encodeData(Buffer.from('framed')).subarray(0, 7)]));
  assert.equal(demultiplexer.reader.latin1(5), 'plain');
  demultiplexer.start();
  assert.equal(demultiplexer.reader.latin1(3), 'fra');
  demultiplexer.feed(Buffer.from('med'));
  assert.equal(demultiplexer.reader.latin1(3), 'med');
});

test('tags that are not a client’s and lengths that cannot be are refused', () => {
  const refused = [
    encodeFrame(MessageTag.success, hex('00000000')),
    encodeFrame(MessageTag.deleted, Buffer.from('a')),
    encodeFrame(MessageTag.redo, hex('00000000')),
    encodeFrame(MessageTag.stats, Buffer.alloc(8)),
    encodeFrame(MessageTag.ioTimeout, hex('00000000')),
    encodeFrame(MessageTag.client, Buffer.from('a')),
    encodeFrame(99, Buffer.from('a')),
    encodeFrame(MessageTag.noop, Buffer.from('a')),
    encodeFrame(MessageTag.ioError, hex('0000')),
    encodeFrame(MessageTag.noSend, hex('0000000000')),
    encodeFrame(MessageTag.errorExit, hex('00')),
    hex('ffffff0a'), // 16 MiB of error text
    hex('00000000'), // no frame at all
  ];
  for (const frame of refused) assert.throws(() => demultiplex([frame]), ProtocolError);
});

test('memory is held for what is unread, not for what went through', () => {
  const demultiplexer = new Demultiplexer(() => undefined);
  demultiplexer.start();
  const frame = encodeFrame(MessageTag.data, Buffer.alloc(100_000));
  for (let i = 0; i < 1000; i++) {
    demultiplexer.feed(frame);
    demultiplexer.reader.view(demultiplexer.reader.available - 10);
    demultiplexer.reader.view(i % 2 === 0 ? 10 : 0);
  }
  assert.ok(demultiplexer.reader.bytes.length < 1 << 20);
});
