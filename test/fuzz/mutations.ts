import { encodeFrame } from '../../src/rsync/mux.ts';
import type { Random } from '../support/random.ts';
import type { Turn } from '../support/replay.ts';

/** Text of the conversation before the arguments: it has tests of its own. */
export const TEXT_TURNS = 2;

/** Values that break what does not check. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** Bends the client's side of a recorded push, in one place or at times in two. */
export function mutate(turns: readonly Turn[], random: Random): Turn[] {
  const once = bendTurn(turns, random);
  return random.below(4) === 0 && once.length > TEXT_TURNS ? bendTurn(once, random) : once;
}

/** Cut off there, or bytes changed, put in, left out, or said twice; every other time within a frame. */
function bendTurn(turns: readonly Turn[], random: Random): Turn[] {
  const at = TEXT_TURNS + random.below(Math.max(1, turns.length - TEXT_TURNS));
  const turn = turns[at];
  const frames = random.below(2) === 0 ? framesOf(turn.bytes) : undefined;
  const bent = frames === undefined ? bend(turn.bytes, random, turns) : bendFrame(frames, random, turns);
  if (bent.ends) return [...turns.slice(0, at), { ...turn, bytes: bent.bytes }];
  return turns.with(at, { ...turn, bytes: bent.bytes });
}

interface Bent {
  bytes: Buffer;
  /** nothing more is said */
  ends?: true;
}

function bend(bytes: Buffer, random: Random, turns: readonly Turn[]): Bent {
  const place = random.below(Math.max(1, bytes.length));
  const kinds = [cutOff, flipBit, setByte, setExtreme, insert, remove, append];
  return random.pick(kinds)(bytes, place, random, turns);
}

/** Within one frame, whose length is made right: else a byte more or less is seen at the next frame's head. */
function bendFrame(frames: Frame[], random: Random, turns: readonly Turn[]): Bent {
  const at = random.below(frames.length);
  const bent = bend(frames[at].payload, random, turns);
  const frame = { tag: frames[at].tag, payload: bent.bytes };
  const bytes = Buffer.concat(frames.with(at, frame).map(({ tag, payload }) => encodeFrame(tag, payload)));
  return bent.ends ? { bytes, ends: true } : { bytes };
}

interface Frame {
  tag: number;
  payload: Buffer;
}

/** undefined when the bytes are not frames from end to end: before protocol 30 and before the file list they are none. */
function framesOf(bytes: Buffer): Frame[] | undefined {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) return undefined;
    const word = bytes.readUInt32LE(at);
    const end = at + 4 + (word & 0xffffff);
    const tag = (word >>> 24) - 7;
    if (tag < 0 || end > bytes.length) return undefined;
    frames.push({ tag, payload: bytes.subarray(at + 4, end) });
    at = end;
  }
  return frames.length === 0 ? undefined : frames;
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
