import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removeTable, setKeys } from '../../src/config/edit.ts';
import { parseSettings } from '../../src/config/load.ts';
import { TEMPLATE } from '../../src/config/template.ts';

const entries = (object: Record<string, string | number | boolean | string[]>) => new Map(Object.entries(object));

test('a commented default gives way to what is set; all else stays', () => {
  const edited = setKeys(TEMPLATE, ['server'], entries({ motd: 'a "b"', io_timeout: 5 }));
  assert.equal(
    edited,
    TEMPLATE.replace('#motd = ""', `motd = "a \\"b\\""`).replace('#io_timeout = 600', 'io_timeout = 5'),
  );
  assert.equal(parseSettings(edited, 'x').server.motd, 'a "b"');
  const again = setKeys(edited, ['server'], entries({ motd: 'c' }));
  assert.equal(parseSettings(again, 'x').server.motd, 'c');
});

test('a key of another table is not touched', () => {
  const toml = '[server]\n[defaults]\numask = 1\n[vaults.a]\n#umask = 2\n';
  assert.equal(
    setKeys(toml, ['server'], entries({ umask: 3 })),
    '[server]\numask = 3\n[defaults]\numask = 1\n[vaults.a]\n#umask = 2\n',
  );
});

test('a table that is not there comes at the end, and can be taken out again', () => {
  const name = 'b.c';
  const edited = setKeys(TEMPLATE, ['vaults', name], entries({ hosts_allow: ['a', 'b'] }), 'made');
  assert.ok(edited.endsWith('\n\n# made\n[vaults."b.c"]\nhosts_allow = [ "a", "b" ]\n'), edited.slice(-100));
  assert.deepEqual(parseSettings(edited, 'x').vaults[name].hostsAllow, ['a', 'b']);
  assert.equal(removeTable(edited, ['vaults', name], 'made').trimEnd(), TEMPLATE.trimEnd());
  const more = `${edited}\n[vaults.d]\numask = 0\n`;
  assert.deepEqual(Object.keys(parseSettings(removeTable(more, ['vaults', name], 'made'), 'x').vaults), ['d']);
  assert.equal(removeTable(more, ['vaults', 'none'], 'made'), more);
});

test('no keys, no table; a text without an end gets one', () => {
  assert.equal(setKeys('a = 1', ['server'], new Map()), 'a = 1');
  assert.equal(setKeys('[x]\na = 1', ['x'], entries({ b: 2 })), '[x]\nb = 2\na = 1\n');
});
