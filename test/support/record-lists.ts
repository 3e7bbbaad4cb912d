// Records the fixtures of test/fixtures/flist anew: node test/support/record-lists.ts (as root)
import * as fs from 'node:fs';
import { S_IFBLK, S_IFIFO, S_IFSOCK } from '../../src/lib/stat.ts';
import { deviceNumber, makeNodeAt } from '../../src/restore/libc.ts';
import { openClientStream, readDryRun } from './client-stream.ts';
import { at, setfacl, withDirectory } from './make-tree.ts';
import { startRecordProxy } from './record-proxy.ts';
import { describeLists, recordedFolder } from './recorded-lists.ts';
import { startStock } from './rsyncd.ts';
import { runOk } from './run.ts';
import { makeFolder, removeFolder } from './temporary.ts';

const ends: (() => unknown)[] = [];
const scope = { after: (end: () => unknown) => void ends.unshift(end) };
const root = makeFolder('record');
scope.after(() => removeFolder(root));

fs.mkdirSync(`${root}/sub/inner`, { recursive: true });
fs.mkdirSync(`${root}/empty`);
for (const name of ['one', 'two', 'sub/three', 'sub/inner/four', 'sub.txt', 'sub-x'])
  fs.writeFileSync(`${root}/${name}`, name);
fs.writeFileSync(at(root, 'caf\xe9 \xff\n'), 'latin1');
fs.writeFileSync(`${root}/${'l'.repeat(255)}`, '');
fs.linkSync(`${root}/one`, `${root}/one-again`);
fs.linkSync(`${root}/one`, `${root}/sub/one-below`);
fs.symlinkSync('one', `${root}/link`);
fs.linkSync(`${root}/link`, `${root}/sub/link-again`);
withDirectory(root, (dir) => {
  makeNodeAt(dir, 'block', S_IFBLK | 0o640, deviceNumber(259, 70_000));
  makeNodeAt(dir, 'fifo', S_IFIFO | 0o600, 0n);
  makeNodeAt(dir, 'socket', S_IFSOCK | 0o755, 0n);
});
fs.chownSync(`${root}/two`, 33, 1000);
setfacl(['-m', 'u:33:rwx,g:1000:r', `${root}/one`]);
setfacl(['-d', '-m', 'u:33:rwx', `${root}/sub`]);
await runOk('setfattr', ['-n', 'user.short', '-v', 'short', `${root}/sub/three`]);
await runOk('setfattr', ['-n', 'user.long', '-v', 'v'.repeat(100), `${root}/sub/three`]);
await runOk('setfattr', ['-n', 'user.long', '-v', 'v'.repeat(100), `${root}/sub/inner/four`]);
await runOk('setfattr', ['-n', 'trusted.empty', `${root}/two`]);
for (const folder of ['', 'sub/inner/', 'sub/', 'empty/']) {
  for (const name of fs.readdirSync(`${root}/${folder}`, { encoding: 'latin1' }))
    fs.lutimesSync(at(root, folder + name), 1_600_000_000.5, 1_700_000_000.25);
}
fs.lutimesSync(root, 1_600_000_000.5, 1_700_000_000.25);

const recordings: [name: string, args: string[]][] = [
  ['27', ['-aH', '--protocol=27']],
  ['28-checksum', ['-aHc', '--protocol=28']],
  ['29-relative', ['-aHR', '--protocol=29']],
  ['30', ['-aHAX', '--protocol=30']],
  ['31-whole', ['-aHAXU', '--protocol=31', '--no-inc-recursive']],
  ['32', ['-aHAXU']],
  ['32-whole', ['-aHAX', '--no-inc-recursive']],
  ['32-numeric-checksum', ['-aHAXc', '--numeric-ids']],
];
const { stdout: rsync } = await runOk('rsync', ['--version']);
const stock = await startStock(scope);
const proxy = await startRecordProxy(scope, stock.port);
for (const [name, args] of recordings) {
  // with -c all of it would be read
  fs.truncateSync(`${root}/two`, args[0].includes('c') ? 70_000 : 5_000_000_000);
  fs.lutimesSync(`${root}/two`, 1_600_000_000.5, 1_700_000_000.25);
  const count = proxy.recordings.length;
  await runOk('rsync', ['-n', '-i', ...args, '.', `rsync://127.0.0.1:${proxy.port}/m/`], { cwd: root });
  while (proxy.recordings.length === count) await new Promise((done) => setImmediate(done));
  const { settings, data } = openClientStream(proxy.recordings[count]);
  const { owner, group, devices, specials, links, hardLinks, atimes, acls, xattrs } = settings.preserve;
  const preserve = { owner, group, devices, specials, links, hardLinks, atimes, acls, xattrs };
  const fixture = {
    rsync: rsync.split('\n', 1)[0],
    args,
    settings: { ...settings, preserve },
    data: data.toString('base64'),
    expected: describeLists(readDryRun({ settings, data }).lists),
  };
  fs.writeFileSync(`${recordedFolder}/${name}.json`, `${JSON.stringify(fixture, null, 1)}\n`);
}
for (const end of ends) await end();
