import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { isDir } from '../../src/lib/stat.ts';
import { Filter } from '../../src/rsync/filter.ts';
import { type ClientStream, openClientStream, readDryRun } from '../support/client-stream.ts';
import { Random } from '../support/random.ts';
import { startRecordProxy } from '../support/record-proxy.ts';
import { type StockDaemon, startStock } from '../support/rsyncd.ts';
import { run } from '../support/run.ts';
import { fileScope, makeFolder, removeFolder } from '../support/temporary.ts';
import { type Case, fixed, randomCase, source, type Tree, tree } from './filter-cases.ts';

const standing = ['-r', '--delete-before', '--existing', '--ignore-existing', '--sockopts=TCP_NODELAY'];

/** Cases at a time, each with a daemon of its own: a push to one mostly waits. */
const LANES = 6;

const scope = fileScope();
const folder = makeFolder('filter');
scope.after(() => removeFolder(folder));
const idle: StockDaemon[] = [];
while (idle.length < LANES) idle.push(await startStock(scope, { lines: ['socket options = TCP_NODELAY'] }));

function write(root: string, files: Tree): void {
  fs.rmSync(root, { recursive: true, force: true });
  fs.mkdirSync(root, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(root, name);
    fs.mkdirSync(name.endsWith('/') ? file : path.dirname(file), { recursive: true });
    if (!name.endsWith('/')) fs.writeFileSync(file, content);
  }
}

/** Content by path; undefined for directories. */
type Found = Map<string, string | undefined>;

function find(root: string): Found {
  const found: Found = new Map();
  for (const name of fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(root, name);
    found.set(name, fs.statSync(file).isDirectory() ? undefined : fs.readFileSync(file, 'latin1'));
  }
  return found;
}

interface Outcome {
  /** of the client */
  code: number;
  stderr: string;
  /** whether there was a push at all */
  connected: boolean;
  /** paths in the module after the stock daemon has deleted */
  stock: string[];
  /** paths that our filter would leave there */
  ours: string[];
  /** why it refused to */
  refusal: unknown;
}

/** A push to a stock daemon that deletes and transfers nothing, and the same deletions by our filter. */
async function compare(c: Case): Promise<Outcome> {
  const daemon = idle.pop();
  assert.ok(daemon !== undefined, 'there are more cases at a time than daemons');
  const proxy = await startRecordProxy(scope, daemon.port);
  try {
    const from = path.join(folder, String(daemon.port));
    write(from, c.source);
    write(daemon.folder, c.module);
    const deletion = new Deletion(find(daemon.folder), c.dest ?? '');
    const url = `rsync://127.0.0.1:${proxy.port}/m/${c.dest === undefined ? '' : `${c.dest}/`}`;
    const args = [...standing, ...c.args, ...(c.what ?? ['./']), url];
    const { code, stderr } = await run('rsync', args, { cwd: from });
    const outcome: Outcome = {
      code,
      stderr,
      connected: proxy.connections > 0,
      stock: [],
      ours: [],
      refusal: undefined,
    };
    if (!outcome.connected || /too modern/.test(stderr)) return outcome;
    while (proxy.recordings.length === 0) await new Promise((done) => setImmediate(done));
    try {
      deletion.run(openClientStream(proxy.recordings[0]));
    } catch (error) {
      outcome.refusal = error;
    }
    return { ...outcome, stock: [...find(daemon.folder).keys()], ours: [...deletion.left.keys()].sort() };
  } finally {
    await proxy.stop();
    idle.push(daemon);
  }
}

/** The deletion of a stock receiver, in a set of names. */
class Deletion {
  readonly left: Found;
  private readonly dest: string;
  private filter = new Filter(false);

  constructor(found: Found, dest: string) {
    this.left = found;
    this.dest = dest;
  }

  run(stream: ClientStream): void {
    const { deleteExcluded } = stream.options;
    this.filter = new Filter({ deleteExcluded, protocol: stream.protocol, mergeFiles: true });
    this.filter.base = this.dest;
    for (const rule of stream.rules) this.filter.add(rule);
    // nothing is transferred, so replies hold no more than those of a dry run
    const [{ entries }] = readDryRun(stream).lists;
    const listed = new Set(entries.map((entry) => entry?.path));
    for (const entry of entries) {
      if (entry === undefined) continue;
      const directory = entry.path === '.' ? '' : entry.path;
      // before a push stock enters also what the client has as a file
      this.enter(directory);
      if (!isDir(entry.mode) || !entry.hasContent) continue;
      for (const child of this.children(directory)) {
        if (!listed.has(child) && !this.filter.protects(child, this.isFolder(child))) this.remove(child);
      }
    }
  }

  private remove(name: string): boolean {
    let empty = true;
    if (this.isFolder(name)) {
      this.enter(name);
      for (const child of this.children(name)) {
        if (this.filter.protects(child, this.isFolder(child), true) || !this.remove(child)) empty = false;
      }
    }
    if (empty) this.left.delete(path.join(this.dest, name));
    return empty;
  }

  private enter(directory: string): void {
    this.filter.enterDirectory(directory, (file) => this.left.get(file));
  }

  /** Of a directory, last names first. */
  private children(directory: string): string[] {
    const folder = path.join(this.dest, directory);
    const inside = folder === '.' ? '' : `${folder}/`;
    const names = [...this.left.keys()].filter(
      (name) => name.startsWith(inside) && name.lastIndexOf('/') < inside.length,
    );
    return names.reverse().map((name) => path.join(directory, name.slice(inside.length)));
  }

  private isFolder(name: string): boolean {
    const file = path.join(this.dest, name);
    return this.left.has(file) && this.left.get(file) === undefined;
  }
}

/** What the client itself does not say to a server of that protocol. */
const tooModern = new Set(['29: perishable in a directory that goes']);

describe('with a stock daemon the same is left', { concurrency: LANES }, () => {
  for (const protocol of [32, 29]) {
    for (const [name, change] of fixed) {
      test(`--protocol=${protocol}: ${name}`, async () => {
        const all = Object.entries({ ...tree, ...change.module });
        const module = Object.fromEntries(all.map(([file, text]) => [path.join(change.dest ?? '', file), text]));
        const args = [`--protocol=${protocol}`, ...(change.args ?? [])];
        const result = await compare({ source, ...change, module, args });
        if (tooModern.has(`${protocol}: ${name}`)) return assert.match(result.stderr, /filter rules are too modern/);
        assert.ok(result.code === 0 || result.code === 23, result.stderr);
        assert.ifError(result.refusal);
        assert.deepEqual(result.ours, result.stock);
      });
    }
  }
});

const seed = Number(process.env.NIGHTDROP_SEED ?? 1);
const rounds = Number(process.env.NIGHTDROP_ROUNDS ?? 60);

test(`${rounds} random sets of rules, seed ${seed}: the same is left`, async () => {
  const random = new Random(seed);
  const cases = Array.from({ length: rounds }, () => randomCase(random)).entries();
  let compared = 0;
  const lane = async () => {
    for (const [round, c] of cases) {
      const result = await compare(c);
      const shown = () => `round ${round}: ${JSON.stringify(c, undefined, 1)}\n${result.stderr}\n${result.refusal}`;
      if (!result.connected) continue; // the client itself does not take the rules
      compared++;
      if (result.code !== 0 && result.code !== 23) assert.ok(result.refusal, shown());
      else assert.ok(result.refusal === undefined, shown());
      if (result.refusal === undefined) assert.deepEqual(result.ours, result.stock, shown());
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  assert.ok(compared > rounds / 2);
});
