/** Stock rsyncd is the judge: what it lists of a configuration is what we read in it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadRsyncdConf, type RsyncdConfig } from '../../../src/config/rsyncd/load.ts';
import { booleanOf } from '../../../src/config/rsyncd/parameters.ts';
import { run } from '../../support/run.ts';
import { freePort, ServerProcess, waitForPort } from '../../support/server.ts';
import { temporaryFolder } from '../../support/temporary.ts';

/** Files by name; the first is the main one. */
type Files = Record<string, string>;

const cases: Record<string, Files> = {
  'names, blanks, comments, lines that go on': {
    'rsyncd.conf':
      'comment = default \\\n  of all\n# comment = no \\\n[ a  b ]\npath=/x\n  C O M M E N T =  x = y ; z # w \t\n' +
      '[c]\ncomment=\n[d\\\ne] trailing\npath = /y\n\\\n  comm\\\nent = split\nstray\n[f]\ncomment = tail\\\n# of it\nlist = FALSE\nlist = perhaps\n[g]\ncomment = %ND_TEST%/%ND_NONE%%ND_TEST%-%%-%nd_test%\n',
  },
  'defaults hold for modules that follow; [global] goes back to them': {
    'rsyncd.conf':
      'comment = one\n[a]\nlist = no\n[b]\n[ Global ]\ncomment = two\nlist = no\n[c]\n[d]\nlist = 1\n[A]\nlist = yes\n[global]\nlist = true\n[e]\n[c]\nlist=yes\ncomment = again\n',
  },
  'included files keep to themselves, merged ones do not': {
    'rsyncd.conf':
      'comment = main\n[a]\n&merge one.inc\nlist = yes\n&include two.conf\ncomment = after\n[d]\n&merge dir\n&INCLUDE = dir\n[e]\n',
    'one.inc': 'comment = merged\n[b]\n',
    'two.conf': 'comment = included\n[c]\n&include three\n[c2]\n',
    three: '[c3]\ncomment = deep\n',
    'dir/2.conf': '[y]\n',
    'dir/1.conf': 'comment = first\n[x]\n',
    'dir/.3.conf': '[z]\n',
    'dir/n.inc': 'comment = merged from the folder\n[n]\n',
    'dir/other': 'no\n[never]\n',
  },
};

for (const [what, files] of Object.entries(cases)) {
  test(`${what}: as stock reads it`, async (t) => {
    const folder = write(t, files);
    const listed = await theirs(t, folder);
    assert.ok(listed.split('\n').length > 4, listed);
    assert.equal(ours(load(folder)), listed);
  });
}

function write(t: TestContext, files: Files): string {
  const folder = temporaryFolder(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    // stock finds files from where it is started
    writeFileSync(path.join(folder, name), text.replace(/^(&\w+)(\s*=)?\s*/gm, `$1$2 ${folder}/`));
  }
  return folder;
}

function load(folder: string): RsyncdConfig {
  return loadRsyncdConf(path.join(folder, 'rsyncd.conf'), { ND_TEST: 'value', RSYNC_USER_NAME: 'never' });
}

/** The modules as `rsync host::` lists them. */
function ours({ modules }: RsyncdConfig): string {
  const listed = modules.filter(({ values }) => booleanOf(values.get('list')?.value ?? 'yes'));
  return listed.map(({ name, values }) => `${name.padEnd(15)}\t${values.get('comment')?.value ?? ''}\n`).join('');
}

async function theirs(t: TestContext, folder: string): Promise<string> {
  const port = await freePort();
  const conf = path.join(folder, 'rsyncd.conf');
  const args = ['--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${conf}`];
  const stock = new ServerProcess('rsync', args, { ND_TEST: 'value' });
  t.after(() => stock.stop());
  await waitForPort(port, () => stock.ended);
  const { stdout, code, stderr } = await run('rsync', [`rsync://127.0.0.1:${port}/`]);
  assert.equal(code, 0, stderr);
  return stdout;
}

test('a line that is wrong is told with its place, once', (t) => {
  const folder = write(t, {
    'rsyncd.conf':
      'reed only = no\n[m]\nport = 3\nlist = maybe\nnothing\nuse chroot = unset\nlist = unset\n&include x\n',
    x: 'auth user = a\n',
  });
  const { mistakes } = load(folder);
  assert.deepEqual(
    mistakes.map(({ file, line, sentence }) => `${path.basename(file)}:${line}: ${sentence}`),
    [
      'rsyncd.conf:1: reed only: unknown parameter; did you mean read only?',
      'rsyncd.conf:3: port: a parameter of the whole server, which rsyncd passes over in a module',
      'rsyncd.conf:4: list: maybe is neither yes nor no',
      'rsyncd.conf:5: nothing: no parameter, there is no = in it',
      'rsyncd.conf:7: list: unset is neither yes nor no',
      'x:1: auth user: unknown parameter; did you mean auth users?',
    ],
  );
});

test('what can hardly be a name is not told: it may be a secret', (t) => {
  const folder = write(t, { 'rsyncd.conf': 'backup:hallo\njoe:ge=heim\nignore errors\nread-only = yes\n' });
  assert.deepEqual(
    load(folder).mistakes.map(({ sentence }) => sentence),
    [
      'no parameter, there is no = in it',
      'unknown parameter',
      'ignore errors: no parameter, there is no = in it',
      'read-only: unknown parameter; did you mean read only?',
    ],
  );
});

const broken: [Files, RegExp][] = [
  [{ 'rsyncd.conf': 'a b\n[m\nlist = no\n' }, /rsyncd\.conf:2: the name of a module has no \]/],
  [{ 'rsyncd.conf': '\n[a/b]\n' }, /rsyncd\.conf:2: \[a\/b\]: a module's name has no slash/],
  [{ 'rsyncd.conf': '&includes x\n' }, /rsyncd\.conf:1: &includes: no directive/],
  [{ 'rsyncd.conf': '[m]\n= x\n' }, /rsyncd\.conf:2: a parameter without a name/],
  [{ 'rsyncd.conf': '&merge nowhere\n' }, /rsyncd\.conf:1: .*nowhere cannot be read/],
  [{ 'rsyncd.conf': '&include rsyncd.conf\n' }, /more than 16 deep/],
];

test('what stock rsyncd does not start with is one error', (t) => {
  for (const [files, message] of broken) assert.throws(() => load(write(t, files)), message);
  assert.throws(() => loadRsyncdConf('/nonexistent/rsyncd.conf'), /rsyncd\.conf cannot be read: ENOENT/);
});
