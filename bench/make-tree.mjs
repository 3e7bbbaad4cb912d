#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
// Deterministic benchmark trees, and deterministic nightly changes to them. See README.md beside this file.
import { createCipheriv, createHash } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';

const usage = `usage:
  make-tree.mjs many   --out DIR [--files 100000] [--median 4096] [--sigma 1.5] [--max 8M]
                       [--incompressible 0.15] [--symlinks 0.02] [--hardlinks 0.005] [--xattrs 0] [--per-dir 14]
  make-tree.mjs big    --out DIR [--size 4G] [--only db,log,vm,archive,dump]
  make-tree.mjs night  --out DIR --step STEP [--night 1] [--percent P] [--target PATH]
  make-tree.mjs digest --out DIR [--content 1]
common: [--seed 1]
steps:  files | db-scatter | db-cluster | log-append | vm-write | insert-front | rename-dir | touch | big-night`;

// ---------------------------------------------------------------- numbers

/** A small fast seeded generator (sfc32). `next()` gives a uint32. */
class Rng {
  constructor(...seeds) {
    let h = 0x9e3779b9;
    for (const s of seeds) {
      const text = String(s);
      for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
      h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
    }
    this.a = h | 0;
    this.b = Math.imul(h, 0xc2b2ae35) | 0;
    this.c = (h ^ 0x27d4eb2f) | 0;
    this.d = 1;
    for (let i = 0; i < 12; i++) this.next();
  }
  next() {
    const t = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0;
    return t >>> 0;
  }
  unit() {
    return (this.next() + 0.5) / 4294967296;
  }
  below(n) {
    return Math.floor(this.unit() * n);
  }
  normal() {
    return Math.sqrt(-2 * Math.log(this.unit())) * Math.cos(2 * Math.PI * this.unit());
  }
  pick(list) {
    return list[this.below(list.length)];
  }
}

function bytesOf(text) {
  const m = /^(\d+(?:\.\d+)?)([kKmMgGtT]?)$/.exec(String(text));
  if (!m) throw new Error(`not a size: ${text}`);
  return Math.floor(Number(m[1]) * 1024 ** ' KMGT'.indexOf(m[2] ? m[2].toUpperCase() : ' '));
}

// ---------------------------------------------------------------- content

const PHRASE_WORDS = 4; // a phrase is 16 bytes, four 32-bit words
const phrases = buildPhrases();
const ALNUM = buildAlnum();

function buildPhrases() {
  const rng = new Rng('phrases');
  const syllables = [
    'an',
    'ber',
    'co',
    'de',
    'est',
    'for',
    'ing',
    'ka',
    'log',
    'men',
    'no',
    'per',
    'qu',
    'ra',
    'ser',
    'ti',
    'un',
    'ver',
    'wa',
    'xe',
    'you',
    'z',
    'con',
    'tion',
    'al',
    'ed',
    'in',
    'or',
    'st',
    'th',
  ];
  const unique = [];
  for (let i = 0; i < 2048; i++) {
    let text = '';
    while (text.length < 16) {
      let word = rng.pick(syllables);
      for (let n = rng.below(3); n > 0; n--) word += rng.pick(syllables);
      text += word + rng.pick([' ', ' ', ' ', ' ', '\n', ', ', '=', ' "', '/', ': ']);
    }
    unique.push(Buffer.from(text.slice(0, 16), 'latin1'));
  }
  const slots = 8192,
    table = new Int32Array(slots * PHRASE_WORDS);
  for (let i = 0; i < slots; i++) {
    // skewed: low numbers are drawn far more often, as words are
    const chosen = unique[Math.floor(unique.length * (i / slots) ** 4)];
    for (let w = 0; w < PHRASE_WORDS; w++) table[i * PHRASE_WORDS + w] = chosen.readInt32LE(w * 4);
  }
  return table;
}

function buildAlnum() {
  // four printable characters for every 12-bit pair of draws
  const chars = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_';
  const table = new Int32Array(4096);
  for (let i = 0; i < 4096; i++) table[i] = chars.charCodeAt(i & 63) | (chars.charCodeAt(i >> 6) << 8);
  return table;
}

const WORK = 4 << 20;
const work32 = new Int32Array(WORK / 4);
const work = Buffer.from(work32.buffer);
const zeros = Buffer.alloc(WORK);

/** Text-like bytes into words [from, to): about 3x compressible; a phrase, now and then a random token. */
function fillText(words, from, to, rng) {
  let i = from;
  while (i < to) {
    const r = rng.next();
    if ((r & 7) < 4 || to - i < PHRASE_WORDS) {
      words[i++] = ALNUM[(r >>> 8) & 4095] | (ALNUM[(r >>> 20) & 4095] << 16);
    } else {
      const p = (r >>> 19) * PHRASE_WORDS;
      words[i] = phrases[p];
      words[i + 1] = phrases[p + 1];
      words[i + 2] = phrases[p + 2];
      words[i + 3] = phrases[p + 3];
      i += PHRASE_WORDS;
    }
  }
}

/** Incompressible bytes: a cipher's key stream. */
function noise(length, ...seeds) {
  const key = createHash('md5').update(seeds.join('/')).digest();
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  if (length <= WORK) return cipher.update(zeros.subarray(0, length));
  throw new Error('noise: too long');
}

const PAGE = 8192,
  PAGE_WORDS = PAGE / 4,
  HEADER_WORDS = 6,
  ROW_WORDS = 76,
  ROWS = 24;

/** One database-like page: header, fixed-size rows (key, counter, text), free space of zeros at its end. */
function fillPage(words, at, rng, page) {
  words[at] = rng.next();
  words[at + 1] = rng.next();
  words[at + 2] = page | 0;
  words[at + 3] = 0x0004_0018;
  words[at + 4] = 0x2004_2000;
  words[at + 5] = rng.next();
  for (let row = 0; row < ROWS; row++) fillRow(words, at + HEADER_WORDS + row * ROW_WORDS, rng, page * ROWS + row);
  words.fill(0, at + HEADER_WORDS + ROWS * ROW_WORDS, at + PAGE_WORDS);
}

function fillRow(words, at, rng, key) {
  words[at] = key | 0;
  words[at + 1] = 0;
  words[at + 2] = rng.next();
  words[at + 3] = 0x2a;
  fillText(words, at + 4, at + ROW_WORDS, rng);
}

// ---------------------------------------------------------------- writing

const BASE_TIME = 1700000000; // all times in a tree derive from here, never from the clock
const NIGHT = 86400;
const totals = { files: 0, dirs: 0, links: 0, bytes: 0 };

function writeAll(fd, buffer, length, position) {
  for (let done = 0; done < length; ) {
    done += fs.writeSync(fd, buffer, done, length - done, position === null ? null : position + done);
  }
  totals.bytes += length;
}

/** What is left of an open file, piece by piece, each valid until the next. */
function* pieces(fd) {
  for (;;) {
    const n = fs.readSync(fd, work, 0, WORK, null);
    if (n === 0) return;
    yield work.subarray(0, n);
  }
}

/** A small or middling file in one piece of content. */
function writeFile(file, size, kind, mtime, mode, ...seeds) {
  const fd = fs.openSync(file, 'w', mode);
  const rng = new Rng(...seeds);
  for (let done = 0, piece = 0; done < size; piece++) {
    const n = Math.min(size - done, WORK);
    if (kind === 'noise') writeAll(fd, noise(n, ...seeds, piece), n, null);
    else {
      fillText(work32, 0, (n + 3) >> 2, rng);
      writeAll(fd, work, n, null);
    }
    done += n;
  }
  fs.futimesSync(fd, mtime, mtime);
  fs.closeSync(fd);
  totals.files++;
}

// ---------------------------------------------------------------- many

const ADJ = [
  'old',
  'new',
  'main',
  'user',
  'test',
  'app',
  'core',
  'base',
  'web',
  'data',
  'mail',
  'conf',
  'temp',
  'local',
  'sys',
  'net',
  'file',
  'log',
  'doc',
  'img',
];
const NOUN = [
  'index',
  'report',
  'module',
  'cache',
  'session',
  'record',
  'image',
  'script',
  'table',
  'queue',
  'entry',
  'notes',
  'setup',
  'theme',
  'plugin',
  'upload',
  'draft',
  'order',
  'client',
  'archive',
];
const TEXT_EXT = [
  '.php',
  '.js',
  '.txt',
  '.html',
  '.conf',
  '.py',
  '.eml',
  '.json',
  '.xml',
  '.c',
  '.h',
  '',
  '.css',
  '.md',
];
const NOISE_EXT = ['.jpg', '.gz', '.png', '.zip', '.pdf', '.woff2'];

function makeMany(o) {
  const rng = new Rng(o.seed, 'many');
  const dirs = [{ path: '', depth: 0 }];
  const wanted = Math.max(1, Math.ceil(o.files / o.perDir));
  fs.mkdirSync(o.out, { recursive: true });
  while (dirs.length < wanted) {
    // mostly below a recent directory, so that the tree has long thin arms as well as broad shelves
    const parent = rng.next() & 1 ? dirs[Math.max(0, dirs.length - 1 - rng.below(40))] : rng.pick(dirs);
    if (parent.depth > rng.below(9)) continue;
    const dir = path.join(parent.path, `${rng.pick(ADJ)}-${rng.pick(NOUN)}-${dirs.length.toString(36)}`);
    fs.mkdirSync(path.join(o.out, dir));
    dirs.push({ path: dir, depth: parent.depth + 1 });
  }
  totals.dirs = dirs.length;
  const attrs = [];
  const mu = Math.log(o.median);
  let previous = null;
  for (let i = 0; i < o.files; i++) {
    // files lie in runs: a directory's files were made one after another
    const dir = dirs[Math.floor((i / o.files) * dirs.length + rng.normal() * 2 + dirs.length) % dirs.length];
    const kind = rng.unit() < o.incompressible ? 'noise' : 'text';
    const ext = rng.pick(kind === 'noise' ? NOISE_EXT : TEXT_EXT);
    const name = `${rng.pick(ADJ)}_${rng.pick(NOUN)}_${i.toString(36)}${ext}`;
    const rel = path.join(dir.path, name),
      full = path.join(o.out, rel);
    const size = Math.min(o.max, Math.floor(Math.exp(mu + o.sigma * rng.normal())));
    const mtime = BASE_TIME - rng.below(1000 * NIGHT);
    const mode = [0o644, 0o644, 0o644, 0o640, 0o600, 0o755][rng.below(6)];
    const special = rng.unit(),
      marked = rng.unit();
    if (special < o.symlinks) {
      fs.symlinkSync(previous ? path.relative(path.dirname(rel), previous) : 'nowhere', full);
      fs.lutimesSync(full, mtime, mtime);
      totals.links++;
    } else if (previous && special < o.symlinks + o.hardlinks) {
      fs.linkSync(path.join(o.out, previous), full);
      totals.links++;
    } else {
      writeFile(full, size, kind, mtime, mode, o.seed, 'f', i);
      previous = rel;
      if (marked < o.xattrs) attrs.push(`# file: ${full.slice(1)}\nuser.comment="note ${i}"\n`);
    }
  }
  for (const dir of dirs) {
    const t = BASE_TIME - (dirs.length % 1000) - dir.depth * 3600;
    fs.utimesSync(path.join(o.out, dir.path), t, t);
  }
  if (attrs.length) {
    const done = spawnSync('setfattr', ['--restore=-'], { cwd: '/', input: attrs.join('\n') });
    if (done.status !== 0) throw new Error(`setfattr: ${done.error ?? done.stderr}`);
  }
}

// ---------------------------------------------------------------- big

const BIG = {
  // share of --size, and the writer of each
  db: { name: 'db/base.db', share: 0.5, make: makeDb },
  vm: { name: 'vm/disk.img', share: 0.25, make: makeVm }, // share of allocated bytes; as many again are holes
  log: { name: 'log/server.log', share: 0.1, make: makeLog },
  archive: { name: 'media/archive.bin', share: 0.1, make: makeArchive },
  dump: { name: 'db/export.sql', share: 0.05, make: makeLog },
};

function makeBig(o) {
  for (const key of o.only) {
    const item = BIG[key];
    if (!item) throw new Error(`no such file: ${key}`);
    const file = path.join(o.out, item.name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const size = o.only.length === 1 ? o.size : Math.floor(o.size * item.share);
    const fd = fs.openSync(file, 'w', 0o640);
    item.make(fd, size, o.seed, key);
    fs.futimesSync(fd, BASE_TIME, BASE_TIME);
    fs.closeSync(fd);
    totals.files++;
  }
  for (const dir of fs.readdirSync(o.out)) fs.utimesSync(path.join(o.out, dir), BASE_TIME, BASE_TIME);
  fs.utimesSync(o.out, BASE_TIME, BASE_TIME);
}

function makeDb(fd, size, seed) {
  const pages = Math.floor(size / PAGE),
    batch = WORK / PAGE;
  for (let page = 0; page < pages; page += batch) {
    const n = Math.min(batch, pages - page);
    const rng = new Rng(seed, 'db', page);
    for (let i = 0; i < n; i++) fillPage(work32, i * PAGE_WORDS, rng, page + i);
    writeAll(fd, work, n * PAGE, null);
  }
}

function makeLog(fd, size, seed, key) {
  for (let done = 0; done < size; done += WORK) {
    const n = Math.min(WORK, size - done);
    fillText(work32, 0, (n + 3) >> 2, new Rng(seed, key, done));
    writeAll(fd, work, n, null);
  }
}

function makeArchive(fd, size, seed, key) {
  for (let done = 0; done < size; done += WORK) {
    const n = Math.min(WORK, size - done);
    writeAll(fd, noise(n, seed, key, done), n, null);
  }
}

const CLUSTER = 65536;

/** A sparse disk image: extents of 1 to 64 clusters, half of the logical size allocated; a third of those is noise. */
function makeVm(fd, size, seed, key) {
  const rng = new Rng(seed, key, 'map');
  let at = 0,
    left = Math.floor(size / CLUSTER);
  while (left > 0) {
    const n = Math.min(left, 1 + rng.below(64));
    at += (1 + rng.below(64)) * CLUSTER;
    if (rng.below(3) === 0) writeAll(fd, noise(n * CLUSTER, seed, key, at), n * CLUSTER, at);
    else {
      fillText(work32, 0, (n * CLUSTER) / 4, new Rng(seed, key, at));
      writeAll(fd, work, n * CLUSTER, at);
    }
    at += n * CLUSTER;
    left -= n;
  }
  fs.ftruncateSync(fd, at + 16 * CLUSTER);
}

// ---------------------------------------------------------------- night

function walk(root) {
  // regular files and directories, in byte order of names, the same on every file system
  const files = [],
    dirs = [];
  const visit = (rel) => {
    dirs.push(rel);
    const entries = fs.readdirSync(path.join(root, rel), { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const e of entries) {
      const child = rel ? `${rel}/${e.name}` : e.name;
      if (e.isDirectory()) visit(child);
      else if (e.isFile()) files.push(child);
    }
  };
  visit('');
  return { files, dirs };
}

function sample(rng, count, population) {
  // `count` different numbers below `population`, ascending
  const chosen = new Set();
  count = Math.min(count, population);
  while (chosen.size < count) chosen.add(rng.below(population));
  return [...chosen].sort((a, b) => a - b);
}

const steps = {
  /** percent of all files: 70 % changed (half rewritten, half edited in the middle), 15 % added, 15 % removed. */
  files(o, rng, time) {
    const { files, dirs } = walk(o.out);
    const chosen = sample(rng, Math.max(1, Math.round((files.length * o.percent) / 100)), files.length);
    const touched = new Set();
    chosen.forEach((index, i) => {
      const rel = files[index],
        full = path.join(o.out, rel),
        draw = rng.unit();
      if (draw < 0.15) {
        fs.unlinkSync(full);
        touched.add(path.dirname(rel));
      } else if (draw < 0.3) {
        const dir = rng.pick(dirs),
          name = `added_${o.night}_${i}.txt`;
        writeFile(
          path.join(o.out, dir, name),
          Math.floor(Math.exp(Math.log(4096) + 1.5 * rng.normal())),
          'text',
          time,
          0o644,
          o.seed,
          'add',
          o.night,
          i,
        );
        touched.add(dir);
      } else if (draw < 0.65) {
        const size = fs.statSync(full).size;
        writeFile(
          full,
          Math.max(1, Math.floor(size * (0.8 + 0.4 * rng.unit()))),
          'text',
          time,
          0o644,
          o.seed,
          'rewrite',
          o.night,
          i,
        );
      } else edit(full, rng, time);
    });
    for (const dir of touched) fs.utimesSync(path.join(o.out, dir), time, time);
    return chosen.length;
  },
  'db-scatter': (o, rng, time) => pages(o, rng, time, 1),
  'db-cluster': (o, rng, time) => pages(o, rng, time, 128),
  /** percent of the log's size, appended. */
  'log-append'(o, _rng, time) {
    const file = target(o, BIG.log.name),
      fd = fs.openSync(file, 'r+');
    const size = fs.fstatSync(fd).size,
      added = Math.floor((size * o.percent) / 100);
    for (let done = 0; done < added; done += WORK) {
      const n = Math.min(WORK, added - done);
      fillText(work32, 0, (n + 3) >> 2, new Rng(o.seed, 'append', o.night, done));
      writeAll(fd, work, n, size + done);
    }
    return stamp(fd, time, added);
  },
  /** percent of the image's clusters get new content, whether they were holes or not. */
  'vm-write'(o, rng, time) {
    const fd = fs.openSync(target(o, BIG.vm.name), 'r+');
    const clusters = Math.floor(fs.fstatSync(fd).size / CLUSTER);
    const chosen = sample(rng, Math.round((clusters * o.percent) / 100), clusters);
    for (const c of chosen) {
      fillText(work32, 0, CLUSTER / 4, new Rng(o.seed, 'vm-write', o.night, c));
      writeAll(fd, work, CLUSTER, c * CLUSTER);
    }
    return stamp(fd, time, chosen.length);
  },
  /** 1 KiB more at the front: everything after it moves. */
  'insert-front'(o, _rng, time) {
    const file = target(o, BIG.dump.name),
      fresh = `${file}.new`;
    const from = fs.openSync(file, 'r'),
      fd = fs.openSync(fresh, 'w', fs.fstatSync(from).mode);
    writeAll(fd, noise(1024, o.seed, 'insert', o.night), 1024, null);
    for (const piece of pieces(from)) writeAll(fd, piece, piece.length, null);
    fs.closeSync(from);
    fs.renameSync(fresh, file);
    stamp(fd, time, 0);
    fs.utimesSync(path.dirname(file), time, time);
    return 1;
  },
  /** A directory that holds about `percent` of the files gets another name. */
  'rename-dir'(o, _rng, time) {
    const { files, dirs } = walk(o.out);
    const held = new Map(dirs.map((d) => [d, 0]));
    for (const f of files) {
      for (let d = path.dirname(f); ; d = path.dirname(d)) {
        held.set(d === '.' ? '' : d, (held.get(d === '.' ? '' : d) ?? 0) + 1);
        if (d === '.') break;
      }
    }
    const wanted = (files.length * o.percent) / 100;
    let best = null;
    for (const d of dirs) {
      if (d && (best === null || Math.abs(held.get(d) - wanted) < Math.abs(held.get(best) - wanted))) best = d;
    }
    if (best === null) throw new Error('no directory to rename');
    const moved = path.join(path.dirname(best), `moved-${o.night}-${path.basename(best)}`.slice(0, 200));
    fs.renameSync(path.join(o.out, best), path.join(o.out, moved));
    fs.utimesSync(path.join(o.out, path.dirname(best)), time, time);
    return held.get(best);
  },
  /** percent of the files get another mtime and keep their content. */
  touch(o, rng, time) {
    const { files } = walk(o.out);
    const chosen = sample(rng, Math.max(1, Math.round((files.length * o.percent) / 100)), files.length);
    for (const i of chosen) fs.utimesSync(path.join(o.out, files[i]), time, time);
    return chosen.length;
  },
  /** What a night does to `big`: 1 % pages scattered, log + 2 %, 1 % of the image, 1 KiB into the dump's front. */
  'big-night'(o, rng, time) {
    const at = { ...o, target: undefined };
    return (
      steps['db-scatter']({ ...at, percent: 1 }, rng, time) +
      steps['log-append']({ ...at, percent: 2 }, rng, time) +
      steps['vm-write']({ ...at, percent: 1 }, rng, time) +
      steps['insert-front'](at, rng, time)
    );
  },
};

const DEFAULT_PERCENT = { 'log-append': 2, touch: 10, 'rename-dir': 5 };

function target(o, name) {
  return path.join(o.out, o.target ?? name);
}

function stamp(fd, time, result) {
  fs.futimesSync(fd, time, time);
  fs.closeSync(fd);
  return result;
}

function edit(full, rng, time) {
  // 100 bytes in the middle
  const fd = fs.openSync(full, 'r+'),
    size = fs.fstatSync(fd).size;
  fillText(work32, 0, 25, rng);
  writeAll(fd, work, 100, Math.max(0, Math.floor(size / 2) - 50));
  return stamp(fd, time, 0);
}

/** percent of the database's pages: a new header and one new row each; `run` is how many lie side by side. */
function pages(o, rng, time, run) {
  const fd = fs.openSync(target(o, BIG.db.name), 'r+');
  const count = Math.floor(fs.fstatSync(fd).size / PAGE),
    wanted = Math.round((count * o.percent) / 100);
  const starts = sample(rng, Math.max(1, Math.round(wanted / run)), Math.max(1, Math.floor(count / run)));
  for (const start of starts) {
    for (let page = start * run; page < Math.min(count, start * run + run); page++) {
      fs.readSync(fd, work, 0, PAGE, page * PAGE);
      work32[0] = rng.next();
      work32[1] = rng.next();
      work32[5] = rng.next();
      const row = rng.below(ROWS);
      fillRow(work32, HEADER_WORDS + row * ROW_WORDS, rng, page * ROWS + row);
      writeAll(fd, work, PAGE, page * PAGE);
    }
  }
  return stamp(fd, time, starts.length * run);
}

// ---------------------------------------------------------------- digest

function digest(o) {
  // one line that is the same if and only if the tree is
  const all = createHash('sha256');
  const visit = (rel) => {
    const full = path.join(o.out, rel),
      s = fs.lstatSync(full);
    let line = `${rel}\0${s.mode}\0${Math.round(s.mtimeMs / 1000)}\0`;
    if (s.isFile()) {
      line += `${s.size}\0${s.nlink}\0`;
      if (o.content) {
        const h = createHash('sha1'),
          fd = fs.openSync(full, 'r');
        for (const piece of pieces(fd)) h.update(piece);
        fs.closeSync(fd);
        line += h.digest('hex');
      }
    } else if (s.isSymbolicLink()) line += fs.readlinkSync(full);
    all.update(`${line}\n`);
    if (s.isDirectory()) for (const name of fs.readdirSync(full).sort()) visit(rel ? `${rel}/${name}` : name);
  };
  visit('');
  return all.digest('hex');
}

// ---------------------------------------------------------------- command line

function options(argv) {
  const raw = {};
  for (let i = 0; i < argv.length; i += 2) {
    if (!argv[i].startsWith('--') || argv[i + 1] === undefined) throw new Error(`cannot read ${argv[i]}`);
    raw[argv[i].slice(2)] = argv[i + 1];
  }
  if (!raw.out) throw new Error('--out is needed');
  const number = (key, fallback) => (raw[key] === undefined ? fallback : Number(raw[key]));
  return {
    out: path.resolve(raw.out),
    seed: raw.seed ?? '1',
    files: number('files', 100000),
    perDir: number('per-dir', 14),
    median: bytesOf(raw.median ?? 4096),
    sigma: number('sigma', 1.5),
    max: bytesOf(raw.max ?? '8M'),
    incompressible: number('incompressible', 0.15),
    symlinks: number('symlinks', 0.02),
    hardlinks: number('hardlinks', 0.005),
    xattrs: number('xattrs', 0),
    size: bytesOf(raw.size ?? '4G'),
    only: raw.only ? raw.only.split(',') : Object.keys(BIG),
    step: raw.step,
    night: number('night', 1),
    percent: number('percent', DEFAULT_PERCENT[raw.step] ?? 1),
    target: raw.target,
    content: number('content', 1),
  };
}

try {
  const [command, ...rest] = process.argv.slice(2);
  const o = options(rest),
    start = process.hrtime.bigint();
  let more = {};
  if (command === 'many') makeMany(o);
  else if (command === 'big') makeBig(o);
  else if (command === 'digest') more = { digest: digest(o) };
  else if (command === 'night' && steps[o.step]) {
    more = { step: o.step, changed: steps[o.step](o, new Rng(o.seed, o.step, o.night), BASE_TIME + o.night * NIGHT) };
  } else throw new Error(`unknown command or step`);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  console.log(
    JSON.stringify({
      command,
      ...more,
      ...totals,
      seconds: Number(seconds.toFixed(2)),
      mb_per_s: Math.round(totals.bytes / seconds / 1e6),
    }),
  );
} catch (error) {
  console.error(`make-tree: ${error.message}\n${usage}`);
  process.exitCode = 2;
}
