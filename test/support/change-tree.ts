import * as fs from 'node:fs';
import path from 'node:path';
import { S_IFIFO } from '../../src/lib/stat.ts';
import { makeNodeAt, openHandleAt, removeXattr, setTimesAt, setXattr } from '../../src/restore/libc.ts';
import { at, isRoot, setfacl, type TreeOptions, withDirectory } from './make-tree.ts';
import { Random } from './random.ts';

/**
 * One day in the life of a tree of `makeTree`: content changed at the front, in the middle, at the end, to the same
 * size, to nothing; objects added, removed, renamed and turned into other types; every attribute changed.
 */
export function changeTree(root: string, options: TreeOptions = {}): void {
  const random = new Random((options.seed ?? 1) + 1000);
  const now = 1_700_000_000 + (options.seed ?? 1) * 86400;
  changeContent(root, random, now, options.shrink ?? 1);
  addAndRemove(root, random);
  changeTypes(root);
  changeLinks(root);
  changeModes(root);
  if (options.xattrs ?? true) changeXattrs(root, random);
  if (options.acls ?? true) changeAcls(root);
  stampNewest(root, now);
}

function changeContent(root: string, random: Random, now: number, shrink: number): void {
  const sizes = path.join(root, 'sizes');
  edit(sizes, 'text-3M', now, (old) => Buffer.concat([random.text(777), old]));
  edit(sizes, 'random-2M', now + 1, (old) => {
    random.bytes(100).copy(old, (1 << 20) / shrink);
    return old;
  });
  edit(sizes, 'random-131073', now + 2, (old) => Buffer.concat([old, random.bytes(5000)]));
  edit(sizes, 'random-131072', now + 3, (old) => old.subarray(0, 100_000));
  edit(sizes, 'random-32768', now + 4, () => Buffer.alloc(0));
  edit(sizes, 'random-0', now + 5, () => random.bytes(3000));
  edit(sizes, 'random-1024', now + 6, () => random.bytes(1024));
  edit(sizes, 'zeros-1M', now + 7, (old) => Buffer.concat([old, Buffer.alloc((1 << 20) / shrink)]));
  edit(sizes, 'sparse', now + 8, (old) => {
    random.text(300).copy(old, (5 << 20) / shrink);
    return old;
  });
  edit(path.join(root, 'names'), 'not\xffutf8\xfe', now + 9, () => Buffer.from('changed\n'));
}

/** New content in place, with a time of its own. */
function edit(folder: string, name: string, sec: number, change: (old: Buffer) => Buffer): void {
  const file = at(folder, name);
  fs.writeFileSync(file, change(fs.readFileSync(file)));
  setTime(folder, name, sec);
}

function setTime(folder: string, name: string, sec: number): void {
  withDirectory(folder, (dir) => setTimesAt(dir, name, { sec, nsec: 987_654_321 }, { sec, nsec: 123_456_789 }));
}

function addAndRemove(root: string, random: Random): void {
  const names = path.join(root, 'names');
  fs.unlinkSync(at(names, 'new\nline'));
  fs.unlinkSync(at(names, '--delete'));
  fs.rmSync(path.join(root, 'deep', 'level-0', 'level-1'), { recursive: true });
  fs.renameSync(path.join(root, 'sizes', 'random-4096'), path.join(root, 'sizes', 'random-4096-renamed'));
  fs.mkdirSync(path.join(root, 'added', 'below'), { recursive: true });
  fs.writeFileSync(path.join(root, 'added', 'below', 'file'), random.text(9000));
  fs.writeFileSync(at(names, 'added\xfe\n'), 'added\n');
  withDirectory(path.join(root, 'specials'), (dir) => makeNodeAt(dir, 'added-fifo', S_IFIFO | 0o600, 0n));
}

function changeTypes(root: string): void {
  const folder = path.join(root, 'links');
  fs.unlinkSync(path.join(folder, 'absolute'));
  fs.writeFileSync(path.join(folder, 'absolute'), 'was a symlink\n');
  fs.unlinkSync(path.join(folder, 'to-directory'));
  fs.mkdirSync(path.join(folder, 'to-directory'));
  fs.writeFileSync(path.join(folder, 'to-directory', 'inside'), 'was a symlink to a directory\n');
  fs.rmdirSync(path.join(root, 'modes', 'empty-directory'));
  fs.writeFileSync(path.join(root, 'modes', 'empty-directory'), 'was a directory\n');
  fs.unlinkSync(path.join(root, 'sizes', 'random-699'));
  fs.symlinkSync('random-700', path.join(root, 'sizes', 'random-699'));
  fs.unlinkSync(path.join(root, 'specials', 'socket'));
  fs.writeFileSync(path.join(root, 'specials', 'socket'), 'was a socket\n');
}

function changeLinks(root: string): void {
  const folder = path.join(root, 'links');
  fs.unlinkSync(path.join(folder, 'relative'));
  fs.symlinkSync('../sizes/sparse', path.join(folder, 'relative'));
  fs.unlinkSync(path.join(folder, 'hard-2')); // out of its group, and its own file again
  fs.writeFileSync(path.join(folder, 'hard-2'), 'alone\n');
  fs.linkSync(path.join(root, 'sizes', 'random-700'), path.join(folder, 'new-hard'));
}

function changeModes(root: string): void {
  const folder = path.join(root, 'modes');
  fs.chmodSync(path.join(folder, 'file-600'), 0o640);
  fs.chmodSync(path.join(folder, 'file-4755'), 0o755);
  fs.chmodSync(path.join(folder, 'dir-755'), 0o2750);
  if (!isRoot) return;
  fs.chownSync(path.join(folder, 'file-444'), 33, 1000);
  fs.chownSync(path.join(folder, 'dir-700'), 1000, 33);
}

function changeXattrs(root: string, random: Random): void {
  withDirectory(path.join(root, 'xattrs'), (dir) => {
    const on = (name: string, act: (handle: number) => void) => {
      const handle = openHandleAt(dir, name);
      act(handle);
      fs.closeSync(handle);
    };
    on('short', (handle) => setXattr(handle, 'user.comment', Buffer.from('another note')));
    on('long', (handle) => setXattr(handle, 'user.long', random.bytes(1500)));
    on('many', (handle) => removeXattr(handle, 'user.n7'));
    on('same-a', (handle) => removeXattr(handle, 'user.same'));
    on('edge', (handle) => setXattr(handle, 'user.added', random.bytes(200)));
  });
}

function changeAcls(root: string): void {
  const folder = path.join(root, 'acls');
  setfacl(['-m', 'u:33:r', path.join(folder, 'user')]);
  setfacl(['-b', path.join(folder, 'group')]);
  setfacl(['-m', 'g:1000:rw', path.join(folder, 'plain')]);
  setfacl(['-k', path.join(folder, 'both')]);
}

/** Whatever was made or changed just now gets a time that follows from the seed; so do the directories that saw it. */
function stampNewest(root: string, now: number): void {
  const recent = Date.now() - 3600_000;
  let count = 0;
  const visit = (folder: string) => {
    const names = fs.readdirSync(Buffer.from(folder, 'latin1'), { encoding: 'latin1' }).sort();
    for (const name of names) {
      const full = `${folder}/${name}`;
      const stat = fs.lstatSync(Buffer.from(full, 'latin1'));
      if (stat.isDirectory()) visit(full);
      if (stat.mtimeMs > recent && stat.mtimeMs < recent + 7200_000) {
        withDirectory(folder, (dir) => stamp(dir, name, now + 100 + count++));
      }
    }
  };
  visit(root);
  fs.utimesSync(root, now, now + 50);
}

function stamp(dir: number, name: string, sec: number): void {
  setTimesAt(dir, name, { sec, nsec: 5 }, { sec, nsec: 5 });
}
