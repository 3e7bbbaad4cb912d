import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Client, type NightdropServer, startNightdrop } from '../support/nightdrop.ts';
import { Random } from '../support/random.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Files that a push removes at the client, and where they have to be found if they are not there any more. */
interface Scene {
  server: NightdropServer;
  client: Client;
  source: string;
  files: Map<string, Buffer>;
}

const FILES = 600;

async function setScene(t: TestContext): Promise<Scene> {
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  const source = temporaryFolder(t, 'source');
  const random = new Random(7);
  const files = new Map<string, Buffer>();
  for (let i = 0; i < FILES; i++) {
    const name = `d${i % 20}/f${i}`;
    const content = random.bytes(2000 + random.below(20_000));
    mkdirSync(path.join(source, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(source, name), content);
    files.set(name, content);
  }
  return { server, client, source, files };
}

/** Pushes, and ends the server's processes with SIGKILL as soon as `moment` has come; it is there again afterwards. */
async function killAt(scene: Scene, moment: () => boolean): Promise<number> {
  const { server, client, source } = scene;
  let over = false;
  const push = run('rsync', ['-a', '--remove-source-files', `${source}/`, `${client.url}/`], {
    env: client.env,
  }).finally(() => {
    over = true;
  });
  while (!over && !moment()) await new Promise((resolve) => setTimeout(resolve, 2));
  for (const pid of [server.pid, ...childrenOf(server.pid)]) kill(pid);
  await server.stop('SIGKILL');
  const { code } = await push;
  await server.start();
  client.url = `rsync://${client.name}@127.0.0.1:${server.port}/${client.name}`;
  return code;
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Each file is at the client, or whole in the newest snapshot; how many are gone from the client. */
async function assertNothingLost(t: TestContext, { server, source, files }: Scene): Promise<number> {
  const gone = [...files.keys()].filter((name) => !existsSync(path.join(source, name)));
  if (gone.length === 0) return 0;
  const to = path.join(temporaryFolder(t, 'restored'), 'to');
  await server.cliOk(['restore', 'web1', 'latest', '--to', to]);
  for (const name of gone) assert.ok(readFileSync(path.join(to, name)).equals(files.get(name)!), `${name} is lost`);
  return gone.length;
}

test('a server killed while it stores lets the client remove nothing, and the next push removes all', async (t) => {
  const scene = await setScene(t);
  const packs = path.join((await scene.server.vaultInfo('web1')).repository, 'data');
  const hasPacks = () => readdirSync(packs, { recursive: true, withFileTypes: true }).some((entry) => entry.isFile());
  const code = await killAt(scene, hasPacks);
  const gone = await assertNothingLost(t, scene);
  // it may have been over before it could be killed
  if (code !== 0) assert.ok(gone === 0 || (await scene.server.snapshots('web1')).length > 0);
  const { client, source } = scene;
  const args = ['-a', '--remove-source-files', `${source}/`, `${client.url}/`];
  const again = await run('rsync', args, { env: client.env });
  assert.equal(again.code, 0, again.stderr);
  assert.equal(await assertNothingLost(t, scene), FILES);
});

test('a server killed while the client removes has all that is gone', async (t) => {
  const scene = await setScene(t);
  const [first] = scene.files.keys();
  await killAt(scene, () => !existsSync(path.join(scene.source, first)));
  assert.ok((await assertNothingLost(t, scene)) > 0);
  await scene.server.cliOk(['check', 'web1', '--read-data']);
});

test('a file that is recorded and cannot be read is asked for again before it may be removed', async (t) => {
  const scene = await setScene(t);
  const { server, client, source } = scene;
  const push = (...args: string[]) =>
    run('rsync', ['-a', '-i', ...args, `${source}/`, `${client.url}/`], { env: client.env });
  assert.equal((await push()).code, 0);
  const packs = path.join((await server.vaultInfo('web1')).repository, 'data');
  const largest = readdirSync(packs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort((a, b) => readFileSync(b).length - readFileSync(a).length)[0];
  const bytes = readFileSync(largest);
  bytes.fill(0, 1000, 60_000);
  writeFileSync(largest, bytes, { mode: 0o600 });
  const done = await push('--remove-source-files');
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /^<f\.{9} d\d+\/f\d+$/m);
  assert.equal(await assertNothingLost(t, scene), FILES);
});
