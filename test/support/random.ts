/** A small seeded generator (sfc32), so that every tree and every mutation can be made again from a printed seed. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d = 1;

  constructor(seed: number) {
    this.a = seed | 0;
    this.b = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
    this.c = Math.imul(seed ^ 0x7f4a7c15, 0xc2b2ae35);
    for (let i = 0; i < 16; i++) this.u32();
  }

  u32(): number {
    const t = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** 0 <= number < limit */
  below(limit: number): number {
    return Math.floor((this.u32() / 4294967296) * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** Incompressible bytes. */
  bytes(length: number): Buffer {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.u32();
    return Buffer.from(words.buffer, 0, length);
  }

  /** Text-like bytes that compress about three times. */
  text(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    const words = ['backup ', 'night ', 'drop ', 'slot ', 'bank ', 'deposit ', 'snapshot\n', 'vault ', '= ', '42 '];
    for (let at = 0; at < length; ) {
      const word = this.below(4) === 0 ? this.u32().toString(36) : this.pick(words);
      at += bytes.write(word, at, 'latin1');
    }
    return bytes;
  }
}
