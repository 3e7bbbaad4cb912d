/** Key files: the repository's key, sealed under a password (docs/repository.md, "Keys"). */
import { createHash, randomBytes, scrypt } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { type MasterKey, Sealer } from '../kernels/aead.ts';
import { NightdropError } from '../lib/errors.ts';
import type { Backend } from './backend/backend.ts';
import { RepositoryDamagedError } from './errors.ts';

const SCRYPT = { N: 32768, r: 8, p: 1 };
const SALT_BYTES = 64;

interface KeyFile {
  created: string;
  username: string;
  hostname: string;
  kdf: string;
  N: number;
  r: number;
  p: number;
  /** base64 */
  salt: string;
  data: string;
}

/** Tries the password on every key file. */
export async function openKey(backend: Backend, password: string): Promise<MasterKey> {
  let found = 0;
  for await (const { name } of backend.list('keys')) {
    found++;
    const key = await tryKey(await backend.read('keys', name), name, password);
    if (key !== undefined) return key;
  }
  if (found === 0)
    throw new RepositoryDamagedError(
      `the repository ${backend.location} has no key file: without one its content cannot be read`,
    );
  throw new NightdropError('ERR_WRONG_PASSWORD', `the password does not open the repository ${backend.location}`);
}

/** Makes a new random key and its first key file. */
export async function createKey(backend: Backend, password: string): Promise<MasterKey> {
  const key: MasterKey = { encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) };
  const salt = randomBytes(SALT_BYTES);
  const sealer = new Sealer(await deriveKey(password, salt, SCRYPT));
  const plain = JSON.stringify({
    mac: { k: key.macK.toString('base64'), r: key.macR.toString('base64') },
    encrypt: key.encrypt.toString('base64'),
  });
  const file: KeyFile = {
    created: new Date().toISOString(),
    username: userInfo().username,
    hostname: hostname(),
    kdf: 'scrypt',
    ...SCRYPT,
    salt: salt.toString('base64'),
    data: sealer.seal(Buffer.from(plain)).toString('base64'),
  };
  const bytes = Buffer.from(JSON.stringify(file));
  await backend.write('keys', createHash('sha256').update(bytes).digest('hex'), bytes);
  return key;
}

async function tryKey(bytes: Buffer, name: string, password: string): Promise<MasterKey | undefined> {
  let file: KeyFile;
  try {
    file = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new RepositoryDamagedError(`the key file keys/${name} is damaged`, error);
  }
  if (file.kdf !== 'scrypt' || !isSane(file))
    throw new RepositoryDamagedError(`the key file keys/${name} asks for a key derivation that is not known`);
  const sealer = new Sealer(await deriveKey(password, Buffer.from(file.salt, 'base64'), file));
  const plain = sealer.open(Buffer.from(file.data, 'base64'));
  if (plain === undefined) return undefined;
  const { mac, encrypt } = JSON.parse(plain.toString('utf8'));
  return {
    encrypt: Buffer.from(encrypt, 'base64'),
    macK: Buffer.from(mac.k, 'base64'),
    macR: Buffer.from(mac.r, 'base64'),
  };
}

/** A planted key file must not make us work for hours or take all memory. */
function isSane({ N, r, p }: KeyFile): boolean {
  const powerOfTwo = Number.isInteger(N) && N > 1 && (N & (N - 1)) === 0;
  return powerOfTwo && Number.isInteger(r) && Number.isInteger(p) && r > 0 && p > 0 && N * r <= 1 << 23 && p <= 16;
}

function deriveKey(
  password: string,
  salt: Buffer,
  { N, r, p }: { N: number; r: number; p: number },
): Promise<MasterKey> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 64, { N, r, p, maxmem: 256 * N * r }, (error, bytes) => {
      if (error) reject(error);
      else resolve({ encrypt: bytes.subarray(0, 32), macK: bytes.subarray(32, 48), macR: bytes.subarray(48, 64) });
    });
  });
}
