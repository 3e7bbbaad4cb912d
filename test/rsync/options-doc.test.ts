import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { LONG_OPTIONS, SHORT_OPTIONS, SHORT_WITH_VALUE } from '../../src/rsync/option-table.ts';
import { projectFolder } from '../support/nightdrop.ts';

interface Row {
  state: string;
  why: string;
}

/** Rows of the tables of docs/options.md, by the first option that each names; of other spellings, by all of them. */
function documented(): Map<string, Row> {
  const rows = new Map<string, Row>();
  let section = '';
  for (const line of readFileSync(path.join(projectFolder, 'docs/options.md'), 'utf8').split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3);
    const found = /^\|(\s*`-[^|]*)\|([^|]*)\|([^|]*)\|$/.exec(line);
    if (found === null) continue;
    const names = [...found[1].matchAll(/`(-[^`]+)`/g)].map(([, name]) => name);
    for (const name of section === 'Other spellings' ? names : names.slice(0, 1))
      rows.set(name, { state: found[2].trim(), why: found[3].trim() });
  }
  return rows;
}

const options = [...[...SHORT_OPTIONS].map(([letter, option]) => [`-${letter}`, option] as const), ...LONG_OPTIONS];

test('docs/options.md says of every option of the table whether it is carried or refused, and why', () => {
  const rows = documented();
  for (const [name, option] of options) {
    const row = rows.get(name);
    assert.ok(row, `docs/options.md has no row for ${name}`);
    if (option.carried) assert.match(row.state, /^carried( with a difference)?$/, name);
    else assert.deepEqual(row, { state: 'refused', why: option.reason }, name);
    if (row.state === 'carried with a difference') assert.notEqual(row.why, '', `${name}: which difference?`);
  }
  for (const [letter, long] of SHORT_WITH_VALUE) assert.equal(rows.get(`-${letter}`)?.state, `as \`${long}\``);
});

test('docs/options.md names no option that the table has not', () => {
  const known = new Set([...options.map(([name]) => name), ...[...SHORT_WITH_VALUE.keys()].map((l) => `-${l}`)]);
  assert.deepEqual(
    [...documented().keys()].filter((name) => !known.has(name)),
    [],
  );
});
