import { linkSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setXattr } from '../../src/restore/libc.ts';
import { startPair } from '../support/pair.ts';
import { Random } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Values of more than 32 bytes are told by their digest and asked for: each once, with one item of those that share it. */
function setOf(file: string, attributes: Record<string, Buffer>): void {
  const handle = openSync(file, 'r');
  for (const [name, value] of Object.entries(attributes)) setXattr(handle, name, value);
}

test('long values that many files share are asked for once, and all get them', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const random = new Random(3);
  const files = Array.from({ length: 40 }, (_, i) => path.join(source, `f${i}`));
  const shared = { 'user.one': random.bytes(200), 'user.other': random.bytes(1500) };
  for (const file of files) {
    writeFileSync(file, random.bytes(3000));
    setOf(file, shared);
  }
  await pair.pushOk(['-aX'], [`${source}/`]);
  await pair.assertSame();
  // again on what is there: no content goes along with the values
  const changed = { 'user.one': random.bytes(300), 'user.other': shared['user.other'] };
  for (const file of files) setOf(file, changed);
  await pair.pushOk(['-aX'], [`${source}/`]);
  await pair.assertSame();
});

test('new long values reach every name of a hard link', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const random = new Random(4);
  for (let i = 0; i < 10; i++) {
    const file = path.join(source, `f${i}`);
    writeFileSync(file, 'content\n');
    for (const name of ['a', 'b']) linkSync(file, path.join(source, `f${i}-${name}`));
    setOf(file, { 'user.long': random.bytes(100) });
  }
  await pair.pushOk(['-aHX'], [`${source}/`]);
  await pair.assertSame();
  for (let i = 0; i < 10; i++) setOf(path.join(source, `f${i}`), { 'user.long': random.bytes(100) });
  await pair.pushOk(['-aHX'], [`${source}/`]);
  await pair.assertSame();
});
