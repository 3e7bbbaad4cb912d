/** Key files: the repository's key, sealed under a password (docs/repository.md, "Keys"). */
import { hash, randomBytes, scrypt } from 'node:crypto';
import { type MasterKey, Sealer } from '../kernels/aead.ts';
import { NightdropError } from '../lib/errors.ts';
import type { Backend } from './backend/backend.ts';
import { RepositoryDamagedError } from './errors.ts';
import { thisHost } from './host.ts';

/** What restic arrives at on common machines; about a tenth of a second here. */
const SCRYPT: ScryptCost = { N: 32768, r: 8, p: 1 };
const SALT_BYTES = 64;
/** 1 GiB of memory (128 · N · r bytes): a planted key file must not take all of it, nor hours. */
const LARGEST_COST = 1 << 23;
const LARGEST_PARALLELISM = 16;
/** they have half a KB */
const LARGEST_KEY_FILE = 1 << 20;

interface ScryptCost {
  N: number;
  r: number;
  p: number;
}

interface KeyFile extends ScryptCost {
  created: string;
  username: string;
  hostname: string;
  kdf: string;
  /** base64 */
  salt: string;
  /** base64 of the sealed master key */
  data: string;
}

/**
 * Tries the password on every key file; one that is damaged does not keep the others from opening.
 *
 * @throws NightdropError ERR_WRONG_PASSWORD; RepositoryDamagedError when there is no key file, or none fits and one is damaged
 */
export async function openKey(backend: Backend, password: string): Promise<MasterKey> {
  let found = 0;
  let damage: RepositoryDamagedError | undefined;
  for await (const { name, size } of backend.list('keys')) {
    found++;
    try {
      if (size > LARGEST_KEY_FILE) throw new RepositoryDamagedError(`the key file keys/${name} is damaged`);
      const key = await tryKey(await backend.read('keys', name), name, password);
      if (key !== undefined) return key;
    } catch (error) {
      if (!(error instanceof RepositoryDamagedError)) throw error;
      damage = error;
    }
  }
  if (damage !== undefined) throw damage;
  if (found === 0)
    throw new RepositoryDamagedError(
      `the repository ${backend.location} has no key file: without one its content cannot be read`,
    );
  throw new NightdropError('ERR_WRONG_PASSWORD', `the password does not open the repository ${backend.location}`);
}

/** Makes a new random key and its first key file. */
export async function createKey(backend: Backend, password: string): Promise<MasterKey> {
  const key: MasterKey = { encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) };
  await addKey(backend, key, password);
  return key;
}

/** Adds a key file, so that the password opens the repository too; returns the file's name. */
export async function addKey(backend: Backend, key: MasterKey, password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const sealer = new Sealer(await deriveKey(password, salt, SCRYPT));
  const { hostname, username } = thisHost();
  const file: KeyFile = {
    created: new Date().toISOString(),
    username,
    hostname,
    kdf: 'scrypt',
    ...SCRYPT,
    salt: salt.toString('base64'),
    data: sealer.seal(encodeKey(key)).toString('base64'),
  };
  const bytes = Buffer.from(JSON.stringify(file));
  const name = hash('sha256', bytes);
  await backend.write('keys', name, bytes);
  return name;
}

async function tryKey(bytes: Buffer, name: string, password: string): Promise<MasterKey | undefined> {
  const file = parseKeyFile(bytes, name);
  const sealer = new Sealer(await deriveKey(password, Buffer.from(file.salt, 'base64'), file));
  const plain = sealer.open(Buffer.from(file.data, 'base64'));
  if (plain === undefined) {
    // so that nobody looks for another password where a disk has changed a bit
    if (hash('sha256', bytes) !== name)
      throw new RepositoryDamagedError(`the key file keys/${name} is damaged: its content has another hash`);
    return undefined;
  }
  const key = decodeKey(plain);
  if (key === undefined) throw new RepositoryDamagedError(`the key file keys/${name} opens, but holds no key`);
  return key;
}

function parseKeyFile(bytes: Buffer, name: string): KeyFile {
  let file: KeyFile | null;
  try {
    file = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new RepositoryDamagedError(`the key file keys/${name} is damaged`, error);
  }
  if (file === null || typeof file.salt !== 'string' || typeof file.data !== 'string')
    throw new RepositoryDamagedError(`the key file keys/${name} is damaged`);
  if (file.kdf !== 'scrypt' || !isSane(file))
    throw new RepositoryDamagedError(`the key file keys/${name} asks for a key derivation that is not known`);
  return file;
}

function isSane({ N, r, p }: ScryptCost): boolean {
  if (![N, r, p].every((n) => Number.isInteger(n) && n > 0)) return false;
  return N > 1 && N <= LARGEST_COST && (N & (N - 1)) === 0 && N * r <= LARGEST_COST && p <= LARGEST_PARALLELISM;
}

function encodeKey(key: MasterKey): Buffer {
  const mac = { k: key.macK.toString('base64'), r: key.macR.toString('base64') };
  return Buffer.from(JSON.stringify({ mac, encrypt: key.encrypt.toString('base64') }));
}

function decodeKey(plain: Buffer): MasterKey | undefined {
  try {
    const { mac, encrypt }: { mac: { k: string; r: string }; encrypt: string } = JSON.parse(plain.toString('utf8'));
    const key: MasterKey = {
      encrypt: Buffer.from(encrypt, 'base64'),
      macK: Buffer.from(mac.k, 'base64'),
      macR: Buffer.from(mac.r, 'base64'),
    };
    return key.encrypt.length === 32 && key.macK.length === 16 && key.macR.length === 16 ? key : undefined;
  } catch {
    return undefined;
  }
}

function deriveKey(password: string, salt: Buffer, { N, r, p }: ScryptCost): Promise<MasterKey> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 64, { N, r, p, maxmem: 256 * N * r + (1 << 20) }, (error, bytes) => {
      if (error) reject(error);
      else resolve({ encrypt: bytes.subarray(0, 32), macK: bytes.subarray(32, 48), macR: bytes.subarray(48, 64) });
    });
  });
}
