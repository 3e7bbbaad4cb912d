import { hash, randomBytes, scryptSync } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withVault } from '../../../src/cli/reading.ts';
import { Sealer } from '../../../src/kernels/aead.ts';
import { restore } from '../../../src/restore/restore.ts';
import { vaultLayout, vaultsFolder } from '../../../src/vault/layout.ts';
import { entryToNode } from '../../../src/vault/nodes.ts';
import { rootOf } from '../../../src/vault/rebuild.ts';
import { createVault } from '../../../src/vault/vault.ts';

const TEMPLATE = 'template';
/** A key derivation that costs nothing: a push opens the repository more than once, and there are thousands of pushes. */
const CHEAP = { N: 2, r: 8, p: 1 };

/** Vaults made in a millisecond each: one is made as always, the others are copies of it. */
export class Vaults {
  readonly data: string;

  private constructor(data: string) {
    this.data = data;
  }

  static async make(data: string): Promise<Vaults> {
    mkdirSync(data, { recursive: true });
    await createVault(data, TEMPLATE);
    cheapenKey(vaultLayout(data, TEMPLATE).repository, readFileSync(vaultLayout(data, TEMPLATE).passwordFile, 'utf8'));
    return new Vaults(data);
  }

  /** A fresh vault; its folder. */
  add(name: string): string {
    const folder = path.join(vaultsFolder(this.data), name);
    cpSync(path.join(vaultsFolder(this.data), TEMPLATE), folder, { recursive: true });
    return folder;
  }

  remove(name: string): void {
    rmSync(path.join(vaultsFolder(this.data), name), { recursive: true, force: true });
  }

  /** Restores what the newest complete snapshot holds, as `nightdrop restore` does; false when there is none. */
  async restore(name: string, to: string): Promise<boolean> {
    if (!existsSync(path.join(vaultsFolder(this.data), name))) return false; // the client never came
    return withVault(this.data, name, async ({ repository, blobs, snapshots, snapshot }) => {
      if (!snapshots.some((s) => s.complete)) return false;
      const info = snapshot('latest');
      const root = rootOf(info.snapshot);
      const warnings: string[] = [];
      await restore({
        repository,
        blobs,
        tree: Buffer.from(info.tree, 'hex'),
        root: root && entryToNode(root, undefined),
        to,
        onWarning: ({ path, message }) => warnings.push(`${path}: ${message}`),
      });
      if (warnings.length > 0) throw new Error(`the snapshot cannot be restored as it is:\n${warnings.join('\n')}`);
      return true;
    });
  }
}

/** Seals the repository's key anew under the same password, as restic's `key passwd` does, at a lower cost. */
function cheapenKey(repository: string, passwordLine: string): void {
  const password = passwordLine.trim();
  const keys = path.join(repository, 'keys');
  const [name] = readdirSync(keys);
  const file = JSON.parse(readFileSync(path.join(keys, name), 'utf8'));
  const plain = sealerOf(password, Buffer.from(file.salt, 'base64'), file).open(Buffer.from(file.data, 'base64'))!;
  const salt = randomBytes(64);
  const data = sealerOf(password, salt, CHEAP).seal(plain).toString('base64');
  const bytes = Buffer.from(JSON.stringify({ ...file, ...CHEAP, salt: salt.toString('base64'), data }));
  rmSync(path.join(keys, name));
  writeFileSync(path.join(keys, hash('sha256', bytes)), bytes);
}

function sealerOf(password: string, salt: Buffer, { N, r, p }: typeof CHEAP): Sealer {
  const bytes = scryptSync(password, salt, 64, { N, r, p, maxmem: 1 << 30 });
  return new Sealer({ encrypt: bytes.subarray(0, 32), macK: bytes.subarray(32, 48), macR: bytes.subarray(48, 64) });
}
