import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { type MasterKey, Sealer } from '../../src/kernels/aead.ts';

const hex = (text: string) => Buffer.from(text, 'hex');
const newKey = (): MasterKey => ({ encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) });
const sodium: { crypto_onetimeauth(out: Buffer, input: Buffer, key: Buffer): void } = createRequire(import.meta.url)(
  'sodium-native',
);

/** The plain reference: the same, from the library's own CTR and a key made for every message. */
function referenceSeal(key: MasterKey, iv: Buffer, plain: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-ctr', key.encrypt, iv).update(plain);
  const r = Buffer.from(key.macR);
  hex('ffffff0ffcffff0ffcffff0ffcffff0f').forEach((mask, i) => {
    r[i] &= mask;
  });
  const pad = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false).update(iv);
  const mac = Buffer.alloc(16);
  sodium.crypto_onetimeauth(mac, cipher, Buffer.concat([r, pad]));
  return Buffer.concat([iv, cipher, mac]);
}

/** Bernstein, "The Poly1305-AES message-authentication code", appendix B. */
const poly1305Aes = [
  {
    m: 'f3f6',
    r: '851fc40c3467ac0be05cc20404f3f700',
    k: 'ec074c835580741701425b623235add6',
    n: 'fb447350c4e868c52ac3275cf9d4327e',
    mac: 'f4c633c3044fc145f84f335cb81953de',
  },
  {
    m: '',
    r: 'a0f3080000f46400d0c7e9076c834403',
    k: '75deaa25c09f208e1dc4ce6b5cad3fbf',
    n: '61ee09218d29b0aaed7e154a2c5509cc',
    mac: 'dd3fab2251f11ac759f0887129cc2ee7',
  },
  {
    m: '663cea190ffb83d89593f3f476b6bc24d7e679107ea26adb8caf6652d0656136',
    r: '48443d0bb0d21109c89a100b5ce2c208',
    k: '6acb5f61a7176dd320c5c1eb2edcdc74',
    n: 'ae212a55399729595dea458bc621ff0e',
    mac: '0ee1c16bb73f0f4fd19881753c01cdbe',
  },
];

test('the MAC is Poly1305-AES: the published vectors open', () => {
  for (const { m, r, k, n, mac } of poly1305Aes) {
    const key = { encrypt: randomBytes(32), macK: hex(k), macR: hex(r) };
    const plain = new Sealer(key).open(Buffer.concat([hex(n), hex(m), hex(mac)]));
    assert.deepEqual(plain, createDecipheriv('aes-256-ctr', key.encrypt, hex(n)).update(hex(m)));
  }
});

test('seal and open equal the plain reference at every length and alignment', () => {
  const key = newKey();
  const sealer = new Sealer(key);
  const source = randomBytes(200_000);
  const lengths = [...Array(70).keys(), 255, 4095, 4096, 32_767, 32_768, 32_769, 65_536, 150_001];
  for (const length of lengths) {
    for (const shift of [0, 1, 2, 4]) {
      const plain = source.subarray(shift, shift + length);
      const out = Buffer.alloc(length + 40, 0xee);
      assert.equal(sealer.sealInto(out, shift, plain), length + 32);
      const sealed = out.subarray(shift, shift + length + 32);
      assert.deepEqual(sealed, referenceSeal(key, sealed.subarray(0, 16), plain));
      assert(out.subarray(shift + length + 32).every((byte) => byte === 0xee));
      assert.deepEqual(sealer.open(sealed), plain);
      assert.deepEqual(sealer.seal(plain).length, length + 32);
    }
  }
});

test('a counter that overflows its low word carries on as AES-CTR does', () => {
  const key = newKey();
  const sealer = new Sealer(key);
  for (const iv of [
    'ff'.repeat(16),
    `${'00'.repeat(12)}fffffffe`,
    `${'00'.repeat(11)}ffffffffff`,
    `${'12'.repeat(12)}ffffff00`,
  ]) {
    for (const length of [16, 33, 4096, 8192]) {
      const plain = randomBytes(length);
      assert.deepEqual(sealer.open(referenceSeal(key, hex(iv), plain)), plain);
    }
  }
});

test('no bit can be changed and no byte left out', () => {
  const sealer = new Sealer(newKey());
  const sealed = sealer.seal(Buffer.from('some content'));
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(sealer.open(changed), undefined);
  }
  for (let length = 0; length < sealed.length; length++)
    assert.equal(sealer.open(sealed.subarray(0, length)), undefined);
  assert.equal(new Sealer(newKey()).open(sealed), undefined);
});

test('no IV comes twice', () => {
  const sealer = new Sealer(newKey());
  const seen = new Set<string>();
  for (let i = 0; i < 20_000; i++) seen.add(sealer.seal(Buffer.alloc(0)).toString('latin1', 0, 16));
  assert.equal(seen.size, 20_000);
});
