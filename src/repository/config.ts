/** The repository's `config` file (docs/repository.md, "Config"). */
import { randomBytes } from 'node:crypto';
import { RepositoryDamagedError } from './errors.ts';

/** Degree of the polynomial that restic's own chunker wants. */
const DEGREE = 53n;

export interface RepositoryConfig {
  version: number;
  /** 64 hexadecimal digits */
  id: string;
  /** hexadecimal; irreducible over GF(2), so that restic itself can back up into the repository too */
  chunker_polynomial: string;
}

export function newConfig(): RepositoryConfig {
  return { version: 2, id: randomBytes(32).toString('hex'), chunker_polynomial: randomPolynomial().toString(16) };
}

/** @throws RepositoryDamagedError */
export function parseConfig(plain: Buffer): RepositoryConfig {
  try {
    const config = JSON.parse(plain.toString('utf8')) as RepositoryConfig;
    if (!Number.isInteger(config.version) || typeof config.id !== 'string') throw new TypeError('a field is missing');
    return config;
  } catch (error) {
    throw new RepositoryDamagedError("the repository's config is none", error);
  }
}

function randomPolynomial(): bigint {
  for (;;) {
    const bits = randomBytes(8).readBigUInt64LE() & ((1n << DEGREE) - 1n);
    // without a constant term it would be divisible by x
    const candidate = (1n << DEGREE) | bits | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
}

/** Ben-Or's test: no factor of degree up to half of its own (Ben-Or, FOCS 1981). */
export function isIrreducible(polynomial: bigint): boolean {
  const degree = BigInt(polynomial.toString(2).length - 1);
  let power = 2n;
  for (let i = 1n; i <= degree / 2n; i++) {
    power = remainder(square(power), polynomial);
    if (greatestCommonDivisor(polynomial, power ^ 2n) !== 1n) return false;
  }
  return true;
}

const bitLength = (p: bigint): number => (p === 0n ? 0 : p.toString(2).length);

function remainder(a: bigint, modulus: bigint): bigint {
  const length = bitLength(modulus);
  let rest = a;
  for (let excess = bitLength(rest) - length; excess >= 0; excess = bitLength(rest) - length)
    rest ^= modulus << BigInt(excess);
  return rest;
}

function square(p: bigint): bigint {
  return BigInt(`0b${[...p.toString(2)].join('0')}`);
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, remainder(a, b));
}
