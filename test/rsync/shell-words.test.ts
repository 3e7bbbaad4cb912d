import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitWords } from '../../src/rsync/shell-words.ts';
import { Random } from '../support/random.ts';
import { runOk } from '../support/run.ts';

/** What a shell makes of command lines, all in one run. */
async function byShell(commands: string[]): Promise<string[][]> {
  const script = commands.map((command) => `tell ${command}\n`).join('');
  const tell = 'set -f; HOME=.; tell() { for word; do printf "%s\\0" "$word"; done; printf "\\1\\0"; }\n';
  const { stdout } = await runOk('sh', [], { input: Buffer.from(tell + script, 'latin1') });
  const words = stdout.split('\0');
  const told: string[][] = [[]];
  for (const word of words.slice(0, -1)) {
    if (word === '\x01') told.push([]);
    else told.at(-1)!.push(word);
  }
  return told.slice(0, -1);
}

test('words are what a shell makes of them, whatever quotes and backslashes stand where', async () => {
  const random = new Random(Number(process.env.NIGHTDROP_SEED ?? 20261125));
  const pieces = ['a', 'b', ' ', '\t', '\\', "'", '"', '$', '~', '/', '#', '*', '[', ']', '?', '!', '{', '}', ',', '='];
  const rare = ['\n', '\\\n', ';', '`', '\xe9', '\xff', '\\ ', "'\\''", '""'];
  const accepted: string[] = [];
  const ours: string[][] = [];
  for (let i = 0; i < 20_000; i++) {
    const length = 1 + random.below(12);
    const of = (list: string[]) => list[random.below(list.length)];
    const command = Array.from({ length }, () => of(random.below(8) === 0 ? rare : pieces)).join('');
    // a backslash at the end would join two of the script's lines
    if (/\\$/.test(command)) continue;
    try {
      ours.push(splitWords(command));
      accepted.push(command);
    } catch {
      // what means more than words to a shell; nothing of it is tried here
    }
  }
  assert.ok(accepted.length > 5000, `${accepted.length} are taken`);
  const shells = await byShell(accepted);
  ours.forEach((words, i) => {
    assert.deepEqual(words, shells[i], JSON.stringify(accepted[i]));
  });
});

const refused = [
  'rsync; id',
  'rsync & id',
  'rsync | id',
  'rsync > f',
  'rsync < f',
  'rsync $(id)',
  'rsync $HOME',
  'rsync "$HOME"',
  'rsync "$(id)"',
  'rsync `id`',
  'rsync "`id`"',
  'rsync\nid',
  'rsync # x',
  "rsync 'x",
  'rsync "x',
  "rsync $'x'",
  'rsync (x)',
];

for (const command of refused) {
  test(`${JSON.stringify(command)} is refused: it is more than words`, () => {
    assert.throws(() => splitWords(command), { code: 'ERR_REFUSED', rsyncExit: 1, forClient: true });
  });
}

test('a backslash at the end stands for itself', () => {
  assert.deepEqual(splitWords('a\\'), ['a\\']);
});

test('what is too long or has too many words is refused', () => {
  assert.throws(() => splitWords('a'.repeat((1 << 20) + 1)), /too long/);
  assert.throws(() => splitWords('a '.repeat(10_001)), /more than 10000 words/);
  assert.equal(splitWords('a '.repeat(10_000)).length, 10_000);
});
