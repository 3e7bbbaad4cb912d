/**
 * What a tree of processes used between two moments, from /proc alone: CPU time, bytes through system calls, peak
 * memory. A process adds what its ended and waited-for children used to its own numbers (proc(5)), so the sum over the
 * living is the sum over all there ever were.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second of /proc/PID/stat: 100 on every Linux that Node runs on. */
const TICKS = 100;
const PAGE = 4096;
/** Milliseconds between looks at resident sizes, which are cheap. */
const RESIDENT_EVERY = 20;
/** Looks between two at PSS, which are not: they walk all mappings of a process. A new high of the first also calls for one. */
const PSS_EVERY = 10;
/** Looks between two searches for new processes. */
const TREE_EVERY = 4;

export interface Usage {
  /** seconds of user and system time */
  cpu: number;
  /** bytes through read and write calls of any kind: files, pipes, sockets (rchar and wchar) */
  readChars: number;
  writtenChars: number;
  /** bytes that had to come from, and are to go to, a block device (read_bytes and write_bytes) */
  readBytes: number;
  writtenBytes: number;
}

export interface Memory {
  /** largest sum over all processes of the tree at one look, in bytes: shared pages counted once, and in each */
  peakPss: number;
  peakResident: number;
}

/** A process and all its living descendants. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statFields(name) : undefined;
    if (!stat) continue;
    const parent = Number(stat[1]);
    const siblings = children.get(parent);
    if (siblings) siblings.push(Number(name));
    else children.set(parent, [Number(name)]);
  }
  const found = [root];
  for (let i = 0; i < found.length; i++) found.push(...(children.get(found[i]) ?? []));
  return found;
}

/** Sum over a living tree; what its ended members used is in their parents' numbers. */
export function usageOf(root: number): Usage {
  return processTree(root)
    .map((pid) => {
      const [own, children] = cpuOf(String(pid));
      return { cpu: own + children, ...ioOf(`/proc/${pid}/io`) };
    })
    .reduce(sum);
}

/** What the ended children of this process used: its whole less its own threads. Only children started meanwhile move it. */
export function usageOfEndedChildren(): Usage {
  const [, cpu] = cpuOf('self');
  const whole = { cpu, ...ioOf('/proc/self/io') };
  const threads = readdirSync('/proc/self/task').map((task) => ({ cpu: 0, ...ioOf(`/proc/self/task/${task}/io`) }));
  return difference(whole, threads.reduce(sum));
}

export function difference(after: Usage, before: Usage): Usage {
  return {
    cpu: after.cpu - before.cpu,
    readChars: after.readChars - before.readChars,
    writtenChars: after.writtenChars - before.writtenChars,
    readBytes: after.readBytes - before.readBytes,
    writtenBytes: after.writtenBytes - before.writtenBytes,
  };
}

function sum(a: Usage, b: Usage): Usage {
  return difference(a, difference({ cpu: 0, readChars: 0, writtenChars: 0, readBytes: 0, writtenBytes: 0 }, b));
}

/** Fields of /proc/PID/stat after the command's name; [0] is the state. Undefined when the process is gone. */
function statFields(pid: string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Seconds of the process itself, and of its children that ended and were waited for. */
function cpuOf(pid: string): [number, number] {
  const fields = statFields(pid)?.slice(11, 15).map(Number) ?? [0, 0, 0, 0];
  return [(fields[0] + fields[1]) / TICKS, (fields[2] + fields[3]) / TICKS];
}

function ioOf(file: string): Omit<Usage, 'cpu'> {
  let text = '';
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    // gone: its parent has its numbers now
  }
  const value = (name: string) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return {
    readChars: value('rchar'),
    writtenChars: value('wchar'),
    readBytes: value('read_bytes'),
    writtenBytes: value('write_bytes'),
  };
}

/** Watches the memory of a process tree until stopped. */
export class MemoryWatch {
  private readonly memory: Memory = { peakPss: 0, peakResident: 0 };
  private readonly root: number;
  private readonly choose: (tree: number[]) => number[];
  private readonly timer: NodeJS.Timeout;
  private tree: number[] = [];
  private looks = 0;

  /** `choose` leaves out processes of the tree, this one for example. */
  constructor(root: number, choose: (tree: number[]) => number[] = (tree) => tree) {
    this.root = root;
    this.choose = choose;
    this.timer = setInterval(() => this.look(), RESIDENT_EVERY);
    this.look();
  }

  stop(): Memory {
    clearInterval(this.timer);
    this.look();
    return this.memory;
  }

  private look(): void {
    if (this.looks % TREE_EVERY === 0) this.tree = this.choose(processTree(this.root));
    const resident = this.tree.reduce((all, pid) => all + residentOf(pid), 0);
    const isHigh = resident > this.memory.peakResident * 1.02;
    if (resident > this.memory.peakResident) this.memory.peakResident = resident;
    if (isHigh || this.looks % PSS_EVERY === 0) {
      const pss = this.tree.reduce((all, pid) => all + pssOf(pid), 0);
      if (pss > this.memory.peakPss) this.memory.peakPss = pss;
    }
    this.looks++;
  }
}

function residentOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE;
  } catch {
    return 0;
  }
}

function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
