import assert from 'node:assert/strict';
import { createHash, scryptSync } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Sealer } from '../../src/kernels/aead.ts';
import { isIrreducible, newConfig } from '../../src/repository/config.ts';
import { addKey, openKey } from '../../src/repository/keys.ts';
import { Repository } from '../../src/repository/repository.ts';
import { Fixture, PASSWORD } from './fixture.ts';

const keyFiles = (fixture: Fixture) => readdirSync(path.join(fixture.location, 'keys'));

async function plant(fixture: Fixture, content: unknown): Promise<string> {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  const name = createHash('sha256').update(bytes).digest('hex');
  await fixture.backend.write('keys', name, bytes);
  return name;
}

test('a repository opens with its password and no other', async (t) => {
  const fixture = new Fixture(t);
  const { config } = await fixture.init();
  assert.deepEqual((await fixture.open()).config, config);
  await assert.rejects(Repository.open(fixture.backend, 'other'), { code: 'ERR_WRONG_PASSWORD' });
});

test('a second password opens it too', async (t) => {
  const fixture = new Fixture(t);
  const { config } = await fixture.init();
  await addKey(fixture.backend, await openKey(fixture.backend, PASSWORD), 'second');
  assert.equal(keyFiles(fixture).length, 2);
  assert.deepEqual((await Repository.open(fixture.backend, 'second')).config, config);
  assert.deepEqual((await fixture.open()).config, config);
});

test('a key file holds neither password nor key', async (t) => {
  const fixture = new Fixture(t);
  await fixture.init();
  const key = await openKey(fixture.backend, PASSWORD);
  const text = readFileSync(path.join(fixture.location, 'keys', keyFiles(fixture)[0]), 'latin1');
  for (const secret of [PASSWORD, key.encrypt.toString('base64'), key.macK.toString('base64')])
    assert(!text.includes(secret));
  const { N, r, p, salt } = JSON.parse(text);
  assert.deepEqual([N, r, p, Buffer.from(salt, 'base64').length], [32768, 8, 1, 64]);
});

test('a damaged key file does not keep the others from opening, and is named when none does', async (t) => {
  const fixture = new Fixture(t);
  await fixture.init();
  const name = await plant(fixture, 'not json');
  await fixture.open();
  await assert.rejects(Repository.open(fixture.backend, 'wrong'), {
    code: 'ERR_REPOSITORY_DAMAGED',
    message: new RegExp(`keys/${name}`),
  });
});

test('a changed bit of a key file is told as damage, not as a wrong password', async (t) => {
  const fixture = new Fixture(t);
  await fixture.init();
  const file = path.join(fixture.location, 'keys', keyFiles(fixture)[0]);
  const bytes = readFileSync(file);
  chmodSync(file, 0o600);
  // within the salt, and within the sealed key
  for (const part of ['"salt":"', '"data":"']) {
    const changed = Buffer.from(bytes);
    const at = bytes.indexOf(part) + part.length + 20;
    changed[at] = changed[at] === 0x41 ? 0x42 : 0x41;
    writeFileSync(file, changed);
    await assert.rejects(fixture.open(), { code: 'ERR_REPOSITORY_DAMAGED', message: /keys\/\w{64} is damaged/ });
  }
  writeFileSync(file, bytes.subarray(0, 100));
  await assert.rejects(fixture.open(), { code: 'ERR_REPOSITORY_DAMAGED' });
  truncateSync(file, 2 ** 33);
  await assert.rejects(fixture.open(), { code: 'ERR_REPOSITORY_DAMAGED' });
  writeFileSync(file, bytes);
  await fixture.open();
});

test('a key file that opens and holds no key is told', async (t) => {
  const fixture = new Fixture(t);
  await fixture.init();
  const [real] = keyFiles(fixture);
  const file = JSON.parse(readFileSync(path.join(fixture.location, 'keys', real), 'utf8'));
  const user = scryptSync(PASSWORD, Buffer.from(file.salt, 'base64'), 64, { N: 32768, r: 8, p: 1, maxmem: 1 << 27 });
  const parts = { encrypt: user.subarray(0, 32), macK: user.subarray(32, 48), macR: user.subarray(48) };
  await fixture.backend.remove('keys', real);
  for (const content of [
    'no json',
    'null',
    '{}',
    '{"mac":7,"encrypt":8}',
    '{"mac":{"k":"AA==","r":"AA=="},"encrypt":""}',
  ]) {
    const data = new Sealer(parts).seal(Buffer.from(content)).toString('base64');
    const name = await plant(fixture, { ...file, data });
    await assert.rejects(fixture.open(), { code: 'ERR_REPOSITORY_DAMAGED', message: /holds no key/ });
    await fixture.backend.remove('keys', name);
  }
});

test('no repository is made over what is left of one', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  await fixture.backend.remove('config', '');
  await assert.rejects(fixture.init(), { code: 'ERR_REPOSITORY_EXISTS', message: /keys are/ });
  await repository.saveUnpacked('snapshots', '{}');
  for (const name of keyFiles(fixture)) await fixture.backend.remove('keys', name);
  await assert.rejects(fixture.init(), { code: 'ERR_REPOSITORY_EXISTS', message: /snapshots are/ });
  assert.deepEqual(keyFiles(fixture), []);
});

test('a planted key file cannot ask for endless work', async (t) => {
  const fixture = new Fixture(t);
  await fixture.init();
  const file = { kdf: 'scrypt', N: 32768, r: 8, p: 1, salt: '', data: '' };
  for (const name of keyFiles(fixture)) await fixture.backend.remove('keys', name);
  const costs = [
    { N: 1 << 30 },
    { N: 2 ** 40 },
    { r: 1 << 20 },
    { p: 1 << 20 },
    { N: 32767 },
    { N: '32768' },
    { N: -2 },
    { r: 0 },
    { r: 1.5 },
    { kdf: 'md5' },
    { salt: 7 },
  ];
  for (const cost of costs) {
    const name = await plant(fixture, { ...file, ...cost });
    await assert.rejects(fixture.open(), { code: 'ERR_REPOSITORY_DAMAGED' }, JSON.stringify(cost));
    await fixture.backend.remove('keys', name);
  }
  await plant(fixture, 'null');
  await assert.rejects(fixture.open(), { code: 'ERR_REPOSITORY_DAMAGED' });
});

test('no repository, one already there, no keys: each is told', async (t) => {
  const fixture = new Fixture(t);
  await assert.rejects(fixture.open(), { code: 'ERR_NO_REPOSITORY' });
  await fixture.init();
  await assert.rejects(fixture.init(), { code: 'ERR_REPOSITORY_EXISTS' });
  for (const name of keyFiles(fixture)) await fixture.backend.remove('keys', name);
  await assert.rejects(fixture.open(), { code: 'ERR_REPOSITORY_DAMAGED', message: /no key file/ });
});

test('a config that was changed is told', async (t) => {
  const fixture = new Fixture(t);
  await fixture.init();
  const file = path.join(fixture.location, 'config');
  const bytes = readFileSync(file);
  bytes[20] ^= 1;
  chmodSync(file, 0o600);
  writeFileSync(file, bytes);
  await assert.rejects(fixture.open(), { code: 'ERR_REPOSITORY_DAMAGED', message: /config/ });
});

test('polynomials are told irreducible or not', () => {
  const polynomials: [p: bigint, irreducible: boolean][] = [
    [0b111n, true], // x² + x + 1
    [0b101n, false], // (x + 1)²
    [0b1011n, true],
    [0b100011011n, true], // AES
    [0b100011010n, false],
    [0x3da3358b4dc173n, true], // restic's tests
    [0x2482734cacca49n, true],
  ];
  for (const [p, irreducible] of polynomials) assert.equal(isIrreducible(p), irreducible, p.toString(16));
});

test('the polynomial of every new config is irreducible and of degree 53', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 5; i++) {
    const { chunker_polynomial } = newConfig();
    assert.equal(BigInt(`0x${chunker_polynomial}`) >> 53n, 1n);
    assert(isIrreducible(BigInt(`0x${chunker_polynomial}`)));
    seen.add(chunker_polynomial);
  }
  assert.equal(seen.size, 5);
});
