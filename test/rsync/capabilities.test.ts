import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter } from '../../src/rsync/bytes.ts';
import { Compat, compatFlags, writeCompatFlags } from '../../src/rsync/capabilities.ts';
import { defaultOptions, type ServerOptions } from '../../src/rsync/options.ts';

const options = (changes: Partial<ServerOptions>): ServerOptions => ({
  ...defaultOptions(),
  recursive: true,
  capabilities: 'iLsfxCIvu',
  ...changes,
});

function onWire(changes: Partial<ServerOptions>): string {
  const writer = new ByteWriter();
  writeCompatFlags(writer, options(changes), compatFlags(options(changes)));
  return writer.take().toString('hex');
}

test('a client of 3.2 and later gets every flag, as a varint', () => {
  assert.equal(onWire({}), '81fb');
});

test('a client of 3.0 gets one byte', () => {
  assert.equal(onWire({ capabilities: 'iLs' }), '03');
  assert.equal(onWire({ capabilities: 'iLsf' }), '0b');
});

test('a client that offers nothing gets what is ours to state', () => {
  assert.equal(compatFlags(options({ capabilities: '' })), Compat.symlinkTimes);
});

test('a pre-release that says V gets one byte without the flag it cannot hold', () => {
  assert.equal(onWire({ capabilities: 'iLsfxCIVu' }), '7b');
});

test('letters that are unknown or repeated change nothing', () => {
  assert.equal(onWire({ capabilities: 'iLsfxCIvuzzQQii' }), '81fb');
});

test('incremental recursion is left out where all lists must be known first', () => {
  const incremental = (changes: Partial<ServerOptions>) =>
    (compatFlags(options(changes)) & Compat.incrementalRecursion) !== 0;
  assert.equal(incremental({}), true);
  assert.equal(incremental({ deleteMode: 'during' }), true);
  assert.equal(incremental({ deleteMode: 'delay' }), true);
  assert.equal(incremental({ deleteMode: 'before' }), false);
  assert.equal(incremental({ deleteMode: 'after' }), false);
  assert.equal(incremental({ recursive: false }), false);
  assert.equal(incremental({ useQsort: true }), false);
  assert.equal(incremental({ pruneEmptyDirs: true }), false);
  assert.equal(incremental({ capabilities: 'Lsfx' }), false);
});
