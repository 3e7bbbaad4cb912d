import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startNightdrop } from '../support/nightdrop.ts';
import { run } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';
import { logLines, until } from './processes.ts';

const scope = fileScope();
const source = temporaryFolder(scope, 'source');
writeFileSync(path.join(source, 'file'), 'content\n');
const server = await startNightdrop(scope);
const client = await server.addClient('web1');
const settings = path.join(server.data, 'nightdrop.toml');
const template = readFileSync(settings, 'utf8');

const push = (...args: string[]) => run('rsync', ['-a', ...args, `${source}/`, `${client.url}/`], { env: client.env });

test('a refused push changes nothing and has a line in the log; defaults hold for all vaults', async () => {
  writeFileSync(settings, template.replace('#refuse_options = []', 'refuse_options = "delete"'));
  assert.equal((await push('--delete')).code, 4);
  assert.deepEqual(await server.snapshots('web1'), []);
  const refused = () =>
    logLines(server.printed).filter(({ error }) => error === 'rsync: The server is configured to refuse --delete');
  await until(() => refused().length > 0);
});

test('a word that is no option is a mistake of the settings', async () => {
  writeFileSync(settings, `[vaults.web1]\nrefuse_options = ["!a", "*", "delte", "--delete"]\n`);
  const count = () => logLines(server.printed).filter(({ mistakes }) => mistakes !== undefined);
  assert.equal((await push()).code, 0);
  const [{ mistakes }] = await until(() => count().length > 0 && count());
  assert.match(
    JSON.stringify(mistakes),
    /toml:2: vaults\.web1\.refuse_options: delte is no option of rsync; did you mean/,
  );
  assert.match(JSON.stringify(mistakes), /--delete is no option of rsync; did you mean delete\?/);
});
