import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from '../../src/config/load.ts';
import { TEMPLATE } from '../../src/config/template.ts';

const defaults = parseSettings('', 'none');

test('the template as written says nothing but the defaults', () => {
  assert.deepEqual(parseSettings(TEMPLATE, 'template'), defaults);
});

test('each value the template shows is the default', () => {
  const shown = TEMPLATE.split('\n')
    .map((line) => line.replace(/^#([a-z_]+ = )/, '$1'))
    .join('\n');
  assert.notEqual(shown, TEMPLATE);
  assert.deepEqual(parseSettings(shown.replace(/^reveal = "nothing"$/m, ''), 'template'), defaults);
});

test('the template shows every key', () => {
  const camel = (key: string) => key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  for (const table of ['server', 'log', 'push', 'defaults'] as const) {
    const text = TEMPLATE.split(/^(?=\[)/m).find((part) => part.startsWith(`[${table}]`)) ?? '';
    const shown = [...text.matchAll(/^#([a-z_]+) = /gm)].map(([, key]) => camel(key));
    assert.deepEqual([...new Set(shown)].sort(), Object.keys(defaults[table]).sort(), table);
  }
});
