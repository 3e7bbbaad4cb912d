import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Random } from '../support/random.ts';
import { startStock } from '../support/rsyncd.ts';
import { runOk } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';
import { decodePush } from './recorded-push.ts';
import { startWireTap } from './wire-tap.ts';

/** Two versions of some files: what stock clients send of the second when the server has the first. */
function makeVersions(folder: string): { old: string; now: string } {
  const random = new Random(5);
  const text = random.text(1_500_000);
  const noise = random.bytes(400_000);
  const old = path.join(folder, 'old');
  const now = path.join(folder, 'now');
  mkdirSync(old);
  mkdirSync(now);
  const write = (name: string, before: Buffer | undefined, after: Buffer) => {
    if (before !== undefined) writeFileSync(path.join(old, name), before);
    writeFileSync(path.join(now, name), after);
  };
  const edited = Buffer.from(text);
  for (let at = 100_000; at < edited.length; at += 200_000) random.bytes(50).copy(edited, at);
  write('text-edited', text, edited);
  write('text-shifted', text, Buffer.concat([Buffer.from('front'), text, Buffer.from('back')]));
  write('noise-appended', noise, Buffer.concat([noise, random.bytes(10_000)]));
  write('noise-new', undefined, random.bytes(100_001));
  write('zeros', undefined, Buffer.alloc(9_000_000));
  write('zeros-matched', Buffer.alloc(3_000_000), Buffer.alloc(3_000_001));
  write('empty', undefined, Buffer.alloc(0));
  write('one', undefined, Buffer.from('1'));
  for (const length of [16_382, 16_383, 16_384, 32_768, 65_536]) write(`n${length}`, undefined, random.text(length));
  for (let i = 0; i < 50; i++) write(`small-${i}`, i % 2 ? random.text(2000) : undefined, random.text(3000));
  return { old, now };
}

const scope = fileScope();
const daemon = await startStock(scope);
const tap = await startWireTap(scope, daemon.port);
const versions = makeVersions(temporaryFolder(scope, 'versions'));

async function record(args: string[]): Promise<ReturnType<typeof decodePush>> {
  const always = ['-rI', '--checksum-choice=md5', '--no-inc-recursive'];
  await runOk('rsync', ['-rI', '--delete', `${versions.old}/`, `rsync://127.0.0.1:${daemon.port}/m/`]);
  await runOk('rsync', [...always, ...args, `${versions.now}/`, `rsync://127.0.0.1:${tap.port}/m/`]);
  const { fromClient } = await tap.recording();
  return decodePush(fromClient, (name) => readFileSync(path.join(versions.old, name)), 16);
}

const cases: [string, string[]][] = [
  ['no compression', []],
  ['zstd', ['--compress-choice=zstd']],
  ['zstd at its highest carried level', ['--compress-choice=zstd', '--compress-level=20']],
  ['zstd at its fastest', ['--compress-choice=zstd', '--compress-level=-100']],
  ['lz4', ['--compress-choice=lz4']],
  ['zlibx', ['--compress-choice=zlibx']],
  ['zlibx at level 0', ['--compress-choice=zlibx', '--compress-level=0']],
  ['zlib, whose window holds what was matched', ['-z', '--compress-choice=zlib']],
  ['zlib with long blocks', ['-z', '--compress-choice=zlib', '-B100000']],
  ['secluded arguments', ['-s', '--compress-choice=zstd']],
  ['whole files', ['-W', '--compress-choice=zstd']],
];
for (const [name, args] of cases) {
  test(`what a stock client sends comes out as its files: ${name}`, async () => {
    const push = await record(args);
    assert.equal(push.module, 'm');
    assert.match(push.greeting, /^@RSYNCD: 32\.0 sha512 /);
    assert.equal(push.options.path, 'm/');
    assert.ok(push.files.length > 50);
    assert.ok(push.dones >= 4);
    for (const file of push.files) {
      const source = readFileSync(path.join(versions.now, file.path));
      assert.ok(file.content.equals(source), file.path);
      assert.deepEqual(file.digest, createHash('md5').update(source).digest(), file.path);
    }
    const matches = push.files.reduce((sum, file) => sum + file.matches, 0);
    assert.equal(matches > 500, !args.includes('-W') && !args.includes('-B100000'), `${matches} blocks matched`);
  });
}
