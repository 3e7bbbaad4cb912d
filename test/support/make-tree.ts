import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import path from 'node:path';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK } from '../../src/lib/stat.ts';
import {
  deviceNumber,
  linkAt,
  makeNodeAt,
  openDirectoryAt,
  openHandleAt,
  setTimesAt,
  setXattr,
} from '../../src/restore/libc.ts';
import { Random } from './random.ts';

export const isRoot = process.geteuid?.() === 0;

export interface TreeOptions {
  seed?: number;
  /** ordinary files beside the special ones; 60 unless told */
  files?: number;
  /** access control lists and default ones (needs setfacl); true unless told */
  acls?: boolean;
  xattrs?: boolean;
  /** character and block devices; as root unless told */
  devices?: boolean;
  /** what the large files' sizes are divided by; 1 unless told */
  shrink?: number;
}

/**
 * A tree with every kind of object and every attribute a backup has to carry: contents of many sizes, sparse and empty
 * files, hard links (of symlinks and fifos too), symlinks that dangle or are not UTF-8, fifos, sockets, devices, ACLs,
 * short and long xattrs, suid and sticky bits, names of every byte, times before 1970, far ahead and to the nanosecond.
 */
export function makeTree(root: string, options: TreeOptions = {}): void {
  const random = new Random(options.seed ?? 1);
  fs.mkdirSync(root, { recursive: true });
  makeFiles(root, random, options.files ?? 60);
  makeSizes(root, random, options.shrink ?? 1);
  makeNames(root, random);
  makeLinks(root, random);
  makeSpecials(root, options.devices ?? isRoot);
  makeModes(root);
  makeDeep(root);
  if (options.xattrs ?? true) makeXattrs(root, random);
  if (options.acls ?? true) makeAcls(root);
  makeTimes(root);
}

/** Bytes of a latin1-tagged name below a folder, for node:fs. */
export function at(folder: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);
}

function makeFiles(root: string, random: Random, count: number): void {
  const folders = ['plain'];
  fs.mkdirSync(path.join(root, 'plain'));
  for (let i = 0; i < count / 6; i++) {
    const folder = `${random.pick(folders)}/d${i}`;
    fs.mkdirSync(path.join(root, folder));
    folders.push(folder);
  }
  for (let i = 0; i < count; i++) {
    const size = Math.floor(Math.exp(random.below(1200) / 100));
    const file = path.join(root, random.pick(folders), `f${i}${random.pick(['', '.txt', '.conf', '.jpg'])}`);
    fs.writeFileSync(file, random.below(5) === 0 ? random.bytes(size) : random.text(size));
    if (isRoot) fs.chownSync(file, random.pick([0, 33, 1000, 65534]), random.pick([0, 33, 1000, 65534]));
  }
}

function makeSizes(root: string, random: Random, shrink: number): void {
  const folder = path.join(root, 'sizes');
  fs.mkdirSync(folder);
  for (const size of [0, 1, 699, 700, 1023, 1024, 1025, 4096, 32768, 131072, 131073]) {
    fs.writeFileSync(path.join(folder, `random-${size}`), random.bytes(size));
  }
  fs.writeFileSync(path.join(folder, 'text-3M'), random.text((3 << 20) / shrink));
  fs.writeFileSync(path.join(folder, 'random-2M'), random.bytes((2 << 20) / shrink));
  fs.writeFileSync(path.join(folder, 'zeros-1M'), Buffer.alloc((1 << 20) / shrink));
  const sparse = fs.openSync(path.join(folder, 'sparse'), 'w');
  fs.writeSync(sparse, random.bytes(5000), 0, 5000, (3 << 20) / shrink);
  fs.writeSync(sparse, random.text(5000), 0, 5000, (6 << 20) / shrink);
  fs.ftruncateSync(sparse, (9 << 20) / shrink);
  fs.closeSync(sparse);
}

/** Names that programs stumble over; all but NUL, slash and the two dots are allowed. */
export const strangeNames: readonly string[] = [
  ' leading blank',
  'trailing blank ',
  '-dash',
  '--delete',
  '.hidden',
  '...',
  'new\nline',
  'back\\slash',
  '\\#012',
  'tab\there',
  'quote"\'`',
  '*?[x]{a,b}',
  '%s%n$(id);|&',
  '\x1b[31mred',
  '\x7f\x01',
  'not\xffutf8\xfe',
  '\xc3\xa9 composed',
  'e\xcc\x81 decomposed',
  '\xe2\x80\xaeoverride',
  '\xf0\x9f\x92\xbe',
  '~tilde',
  'a',
  'a.b',
  'a-b',
  'a0',
  `${'n'.repeat(255)}`,
  `${'\xe9'.repeat(255)}`,
];

function makeNames(root: string, random: Random): void {
  const folder = path.join(root, 'names');
  fs.mkdirSync(folder);
  for (const name of strangeNames) fs.writeFileSync(at(folder, name), random.text(50 + random.below(2000)));
  for (const name of ['dir\xff', 'dir\n', 'a.', '-d']) {
    fs.mkdirSync(at(folder, name));
    fs.writeFileSync(Buffer.concat([at(folder, name), Buffer.from('/inside\xfe', 'latin1')]), name);
  }
}

function makeLinks(root: string, random: Random): void {
  const folder = path.join(root, 'links');
  fs.mkdirSync(folder);
  fs.mkdirSync(path.join(folder, 'sub'));
  fs.symlinkSync('../sizes/text-3M', path.join(folder, 'relative'));
  fs.symlinkSync('/etc/hostname', path.join(folder, 'absolute'));
  fs.symlinkSync('../../../../outside', path.join(folder, 'outside'));
  fs.symlinkSync('nowhere', path.join(folder, 'dangling'));
  fs.symlinkSync('loop', path.join(folder, 'loop'));
  fs.symlinkSync('sub', path.join(folder, 'to-directory'));
  fs.symlinkSync('x'.repeat(3000), path.join(folder, 'long'));
  fs.symlinkSync('not\xffutf8\n'.slice(0, 3), path.join(folder, 'short'));
  fs.symlinkSync(Buffer.from('not\xffutf8\nline', 'latin1'), path.join(folder, 'bytes'));
  fs.writeFileSync(path.join(folder, 'hard-1'), random.text(5000));
  fs.linkSync(path.join(folder, 'hard-1'), path.join(folder, 'hard-2'));
  fs.linkSync(path.join(folder, 'hard-1'), path.join(folder, 'sub', 'hard-3'));
  fs.linkSync(path.join(folder, 'hard-1'), path.join(root, 'a-hard-4'));
  fs.writeFileSync(path.join(folder, 'empty-hard-1'), '');
  fs.linkSync(path.join(folder, 'empty-hard-1'), path.join(folder, 'empty-hard-2'));
  hardLinkItself(folder, 'dangling', 'dangling-hard');
}

/** A hard link of the object itself; node:fs would follow a symlink on some systems. */
function hardLinkItself(folder: string, from: string, to: string): void {
  withDirectory(folder, (dir) => linkAt(dir, from, dir, to));
}

export function withDirectory<T>(folder: string, act: (dir: number) => T): T {
  const parent = fs.openSync(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    return act(parent);
  } finally {
    fs.closeSync(parent);
  }
}

function makeSpecials(root: string, devices: boolean): void {
  const folder = path.join(root, 'specials');
  fs.mkdirSync(folder);
  withDirectory(folder, (dir) => {
    makeNodeAt(dir, 'fifo', S_IFIFO | 0o640, 0n);
    linkAt(dir, 'fifo', dir, 'fifo-hard');
    makeNodeAt(dir, 'socket', S_IFSOCK | 0o755, 0n);
    if (!devices) return;
    makeNodeAt(dir, 'null', S_IFCHR | 0o666, deviceNumber(1, 3));
    makeNodeAt(dir, 'tty', S_IFCHR | 0o620, deviceNumber(4, 65));
    makeNodeAt(dir, 'disk', S_IFBLK | 0o660, deviceNumber(8, 1));
    makeNodeAt(dir, 'wide', S_IFBLK | 0o600, deviceNumber(259, 0x307));
  });
}

function makeModes(root: string): void {
  const folder = path.join(root, 'modes');
  fs.mkdirSync(folder);
  for (const mode of [0o000, 0o400, 0o444, 0o600, 0o777, 0o4755, 0o2755, 0o6711, 0o1644, 0o7777]) {
    if (!isRoot && (mode & 0o400) === 0) continue; // the pushing user could not read it
    const file = path.join(folder, `file-${mode.toString(8)}`);
    fs.writeFileSync(file, `mode ${mode.toString(8)}\n`);
    fs.chmodSync(file, mode);
  }
  for (const mode of [0o700, 0o755, 0o1777, 0o2775, 0o3777, 0o555]) {
    const sub = path.join(folder, `dir-${mode.toString(8)}`);
    fs.mkdirSync(sub);
    fs.writeFileSync(path.join(sub, 'inside'), 'inside\n');
    fs.chmodSync(sub, mode);
  }
  fs.mkdirSync(path.join(folder, 'empty-directory'));
}

function makeDeep(root: string): void {
  let folder = path.join(root, 'deep');
  fs.mkdirSync(folder);
  for (let i = 0; i < 40; i++) {
    folder = path.join(folder, `level-${i}`);
    fs.mkdirSync(folder);
    if (i % 8 === 7) fs.writeFileSync(path.join(folder, 'file'), `level ${i}\n`);
  }
  for (const long of ['x'.repeat(200), 'y'.repeat(200), 'z'.repeat(200), 'w'.repeat(200)]) {
    folder = path.join(folder, long);
    fs.mkdirSync(folder);
  }
  fs.writeFileSync(path.join(folder, 'bottom'), 'bottom\n');
}

function makeXattrs(root: string, random: Random): void {
  const folder = path.join(root, 'xattrs');
  fs.mkdirSync(path.join(folder, 'dir'), { recursive: true });
  const set = (name: string, attributes: Record<string, Buffer>) => {
    withDirectory(folder, (dir) => {
      const handle = openHandleAt(dir, name);
      try {
        for (const [key, value] of Object.entries(attributes)) setXattr(handle, key, value);
      } finally {
        fs.closeSync(handle);
      }
    });
  };
  for (const name of ['short', 'long', 'many', 'same-a', 'same-b', 'empty', 'edge']) {
    fs.writeFileSync(path.join(folder, name), `${name}\n`);
  }
  set('short', { 'user.comment': Buffer.from('a note') });
  set('long', { 'user.long': random.bytes(1500), 'user.short': Buffer.from('x') });
  set('edge', { 'user.thirty-two': random.bytes(32), 'user.thirty-three': random.bytes(33) });
  set('many', Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`user.n${i}`, random.bytes(i * 4)])));
  set('same-a', { 'user.same': Buffer.from('the same on two files') });
  set('same-b', { 'user.same': Buffer.from('the same on two files') });
  set('empty', { 'user.empty': Buffer.alloc(0) });
  set('dir', { 'user.on-directory': Buffer.from('yes'), 'user.bytes': Buffer.from('\0\xff\n', 'latin1') });
  if (!isRoot) return;
  fs.symlinkSync('short', path.join(folder, 'symlink'));
  set('symlink', { 'trusted.on-symlink': Buffer.from('root may') });
  set('short', { 'trusted.note': Buffer.from('root only') });
  // cap_net_bind_service=ep, revision 2
  set('edge', { 'security.capability': Buffer.from('0100000200040000000000000000000000000000', 'hex') });
}

function makeAcls(root: string): void {
  const folder = path.join(root, 'acls');
  fs.mkdirSync(path.join(folder, 'default', 'inside'), { recursive: true });
  fs.mkdirSync(path.join(folder, 'both'));
  for (const name of ['user', 'group', 'mask', 'plain']) fs.writeFileSync(path.join(folder, name), `${name}\n`);
  setfacl(['-m', 'u:33:rwx,u:1000:r', path.join(folder, 'user')]);
  setfacl(['-m', 'g:33:rx,g:65534:-', path.join(folder, 'group')]);
  setfacl(['-m', 'u:12345:rw,m::r', path.join(folder, 'mask')]);
  setfacl(['-d', '-m', 'u:33:rwx,g:1000:rx', path.join(folder, 'default')]);
  setfacl(['-m', 'u:1000:rwx,d:u:1000:r,d:o::-', path.join(folder, 'both')]);
  // made below a default ACL: they inherit it
  fs.writeFileSync(path.join(folder, 'default', 'heir'), 'heir\n');
  fs.writeFileSync(path.join(folder, 'default', 'disowned'), 'disowned\n');
  setfacl(['-b', path.join(folder, 'default', 'disowned')]);
}

/** Runs setfacl, which Debian's `acl` brings; its own words when it fails. */
export function setfacl(args: string[]): void {
  const done = spawnSync('setfacl', args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`setfacl ${args.join(' ')}: ${done.error ?? done.stderr}`);
}

/** Times of everything: nanoseconds, before 1970, far ahead; directories last, deepest first. */
function makeTimes(root: string): void {
  const folder = path.join(root, 'times');
  fs.mkdirSync(folder);
  const times: [string, number, number][] = [
    ['epoch', 0, 0],
    ['one-nanosecond', 1, 1],
    ['last-nanosecond', 1_600_000_000, 999_999_999],
    ['before-1970', -1, 500_000_000],
    ['long-ago', -1_000_000_000, 123],
    ['year-2038', 2_147_483_648, 7],
    ['year-2200', 7_258_118_400, 42],
  ];
  for (const [name] of times) fs.writeFileSync(path.join(folder, name), `${name}\n`);
  setAllTimes(root);
  for (const [name, sec, nsec] of times) setTime(folder, name, sec, nsec);
  withDirectory(root, (dir) => setTimesAt(dir, 'times', { sec: 0, nsec: 0 }, { sec: -86400, nsec: 1 }));
}

function setTime(folder: string, name: string, sec: number, nsec: number): void {
  withDirectory(folder, (dir) => setTimesAt(dir, name, { sec, nsec }, { sec, nsec }));
}

/** Every object gets a time of its own, from its path alone, so that the same seed gives the same tree. */
function setAllTimes(root: string): void {
  const visit = (dir: number, path: string) => {
    const names = fs.readdirSync(`/proc/self/fd/${dir}`, { encoding: 'latin1' });
    for (const name of names) {
      const child = `${path}/${name}`;
      if (fs.lstatSync(at(`/proc/self/fd/${dir}`, name)).isDirectory()) {
        const inner = openDirectoryAt(dir, name);
        visit(inner, child);
        fs.closeSync(inner);
      }
      const hash = hashOf(child);
      const time = { sec: 1_500_000_000 + (hash % 100_000_000), nsec: (hash * 7919) % 1_000_000_000 };
      setTimesAt(dir, name, time, time);
    }
  };
  withDirectory(root, (dir) => visit(dir, ''));
  fs.utimesSync(root, 1_600_000_000, 1_600_000_000.25);
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
