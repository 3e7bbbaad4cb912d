import type { Random } from '../support/random.ts';
import type { Turn } from '../support/replay.ts';

/** Text of the conversation before the arguments: it has tests of its own. */
export const TEXT_TURNS = 2;

/** Values that break what does not check. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** Bends the client's side of a recorded push in one place: cut off there, or bytes changed, put in, left out, or said twice. */
export function mutate(turns: readonly Turn[], random: Random): Turn[] {
  const at = TEXT_TURNS + random.below(Math.max(1, turns.length - TEXT_TURNS));
  const turn = turns[at];
  const place = random.below(Math.max(1, turn.bytes.length));
  const kinds = [cutOff, flipBit, setByte, setExtreme, insert, remove, append];
  const bent = random.pick(kinds)(turn.bytes, place, random, turns);
  if (bent.ends) return [...turns.slice(0, at), { ...turn, bytes: bent.bytes }];
  return turns.with(at, { ...turn, bytes: bent.bytes });
}

interface Bent {
  bytes: Buffer;
  /** nothing more is said */
  ends?: true;
}

type Mutation = (bytes: Buffer, place: number, random: Random, turns: readonly Turn[]) => Bent;

const cutOff: Mutation = (bytes, place) => ({ bytes: bytes.subarray(0, place), ends: true });

const flipBit: Mutation = (bytes, place, random) =>
  changed(bytes, (copy) => {
    copy[place] ^= 1 << random.below(8);
  });

const setByte: Mutation = (bytes, place, random) =>
  changed(bytes, (copy) => {
    copy[place] = random.below(256);
  });

const setExtreme: Mutation = (bytes, place, random) =>
  changed(bytes, (copy) => {
    if (copy.length >= 4) copy.writeUInt32LE(random.pick(EXTREMES), Math.min(place, copy.length - 4));
  });

const insert: Mutation = (bytes, place, random) => ({
  bytes: Buffer.concat([bytes.subarray(0, place), random.bytes(1 + random.below(16)), bytes.subarray(place)]),
});

const remove: Mutation = (bytes, place, random) => ({
  bytes: Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1 + random.below(16))]),
});

const append: Mutation = (bytes, _place, random, turns) => ({
  bytes: Buffer.concat([bytes, turns[TEXT_TURNS + random.below(turns.length - TEXT_TURNS)].bytes]),
});

function changed(bytes: Buffer, change: (copy: Buffer) => void): Bent {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) change(copy);
  return { bytes: copy };
}
