import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { nightdropOk, projectFolder } from '../support/nightdrop.ts';
import { run } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const data = path.join(temporaryFolder(fileScope()), 'data');
await nightdropOk(undefined, ['init', data]);
for (const name of ['web1', 'web2']) await nightdropOk(data, ['client', 'add', name]);

/** What bash would offer for a line with the cursor at its end. */
async function offered(line: string): Promise<string[]> {
  const script = `
    export PATH="${projectFolder}/bin:$PATH" NIGHTDROP_DATA=
    source <(nightdrop completion bash)
    line=$1
    read -ra COMP_WORDS <<< "$line"
    [[ $line == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _nightdrop
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', script, 'bash', line]);
  return stdout.split('\n').filter((word) => word !== '');
}

const lines: [string, string[]][] = [
  ['nightdrop cl', ['client']],
  ['nightdrop client r', ['rotate', 'remove']],
  [`nightdrop --data ${data} snapshots `, ['web1', 'web2']],
  [`nightdrop --data ${data} client rotate web2`, ['web2']],
  [`nightdrop --data ${data} ls web1 l`, ['latest']],
  ['nightdrop restore web1 latest --del', ['--delete']],
  ['nightdrop restore web1 latest --existing re', ['replace', 'refuse']],
  ['nightdrop restore web1 latest --to ', []],
  ['nightdrop completion z', ['zsh']],
];

for (const [line, expected] of lines) {
  test(`bash offers for '${line.replace(data, 'DIR')}': ${expected.join(' ') || 'files'}`, async () => {
    assert.deepEqual(await offered(line), expected);
  });
}

test('the scripts of all shells ask the command itself', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    assert.match(await nightdropOk(undefined, ['completion', shell]), /__complete/);
  }
});
