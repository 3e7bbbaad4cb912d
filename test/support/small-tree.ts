import * as fs from 'node:fs';
import path from 'node:path';
import { S_IFCHR, S_IFIFO } from '../../src/lib/stat.ts';
import { deviceNumber, makeNodeAt, openHandleAt, setXattr } from '../../src/restore/libc.ts';
import { isRoot, setfacl, withDirectory } from './make-tree.ts';
import { Random } from './random.ts';

/**
 * The day's state of a small tree in which every kind of object is there on one day and another on the next: content,
 * types, hard links, attributes, and what is missing. Made anew; times tell the day on which something changed.
 */
export function makeDay(root: string, day: number): void {
  fs.rmSync(root, { recursive: true, force: true });
  const at = (name: string) => path.join(root, name);
  const odd = day % 2 === 1;
  for (const folder of ['a/b', 'a/c', 'links', 'quiet']) fs.mkdirSync(at(folder), { recursive: true });
  const write = (name: string, content: string | Buffer) => fs.writeFileSync(at(name), content);
  const time = (name: string, on: number) => fs.lutimesSync(at(name), 1_700_000_000 + on, 1_700_000_000 + on);

  write('quiet/same', 'never changes\n');
  const large = new Random(5).text(300_000);
  large.write(`day ${day}`, 100_000);
  write('large', large);
  write('a/changed', `of day ${day}`);
  write('a/b/changed', `of day ${day}${'x'.repeat(day)}`);
  if (odd) {
    fs.mkdirSync(at('a/gone/deep'), { recursive: true });
    write('a/gone/file', `of day ${day}`);
    write('a/gone/deep/file', `of day ${day}`);
    write('a/gone~', 'looks like a backup\n');
    write('a/c/only', 'on odd days\n');
  }
  const file = (name: string) => write(name, `a file on day ${day}\n`);
  const folder = (name: string) => fs.mkdirSync(at(name));
  const link = (name: string) => fs.symlinkSync(`to-${day}`, at(name));
  const pipe = (name: string) => withDirectory(root, (dir) => makeNodeAt(dir, name, S_IFIFO | 0o640, 0n));
  const device = (name: string) =>
    withDirectory(root, (dir) => makeNodeAt(dir, name, S_IFCHR | 0o600, deviceNumber(1, odd ? 3 : 5)));
  link('link');
  (odd ? file : link)('file-link');
  (odd ? link : folder)('link-folder');
  (odd ? file : folder)('file-folder');
  (odd ? folder : file)('folder-file');
  (odd ? pipe : file)('pipe-file');
  if (isRoot) device('device');
  makeLinks(at, day);

  const handle = (name: string, act: (fd: number) => void) =>
    withDirectory(root, (dir) => {
      const fd = openHandleAt(dir, name);
      act(fd);
      fs.closeSync(fd);
    });
  handle('large', (fd) => setXattr(fd, 'user.long', new Random(day).bytes(500)));
  handle('a', (fd) => setXattr(fd, 'user.short', Buffer.from('of a directory')));
  setfacl(['-m', 'u:33:r', at('a/changed')]);
  setfacl(['-m', 'g:1000:rx', at('a/b')]);
  fs.chmodSync(at('a/c'), 0o2750);
  fs.chmodSync(at('a/b/changed'), odd ? 0o640 : 0o755);
  if (isRoot) {
    fs.chownSync(at('a/b'), 33, 1000);
    fs.chownSync(at('a/changed'), odd ? 1000 : 33, 33);
  }
  const settle = (name: string) => {
    if (fs.lstatSync(at(name)).isDirectory())
      for (const inside of fs.readdirSync(at(name))) settle(path.join(name, inside));
    time(name, name.startsWith('quiet') ? 0 : day);
  };
  settle('');
}

/** Three names of one file, one of them another's on odd days. */
function makeLinks(at: (name: string) => string, day: number): void {
  fs.writeFileSync(at('links/one'), `of day ${day}\n`);
  fs.linkSync(at('links/one'), at('links/two'));
  if (day % 2 === 1) fs.linkSync(at('links/one'), at('links/three'));
  else fs.writeFileSync(at('links/three'), 'alone\n');
  fs.linkSync(at('quiet/same'), at('quiet/also'));
}
