import { hash, scryptSync } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Sealer } from '../../src/kernels/aead.ts';
import type { VaultLayout } from '../../src/vault/layout.ts';

const N = 2;

/** Seals the repository's key anew, so that opening it costs nothing: a tenth of a second a push is too long here. */
export function makeKeyQuick({ repository, passwordFile }: VaultLayout): void {
  const password = readFileSync(passwordFile, 'utf8').trim();
  const folder = path.join(repository, 'keys');
  for (const name of readdirSync(folder)) {
    const file = JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
    const plain = sealer(password, file).open(Buffer.from(file.data, 'base64'));
    if (plain === undefined) throw new Error('the password does not open the key');
    const quick = { ...file, N };
    const bytes = Buffer.from(
      JSON.stringify({ ...quick, data: sealer(password, quick).seal(plain).toString('base64') }),
    );
    rmSync(path.join(folder, name));
    writeFileSync(path.join(folder, hash('sha256', bytes)), bytes, { mode: 0o400 });
  }
}

function sealer(password: string, cost: { N: number; r: number; p: number; salt: string }): Sealer {
  const { N: n, r, p, salt } = cost;
  const bytes = scryptSync(password, Buffer.from(salt, 'base64'), 64, { N: n, r, p, maxmem: 1 << 28 });
  return new Sealer({
    encrypt: bytes.subarray(0, 32),
    macK: bytes.subarray(32, 48),
    macR: bytes.subarray(48, 64),
  });
}
