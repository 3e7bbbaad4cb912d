import assert from 'node:assert/strict';
import { test } from 'node:test';
import { booleanOf, numberOf, PARAMETERS, parameterNamed } from '../../../src/config/rsyncd/parameters.ts';
import { scan } from '../../../src/config/rsyncd/scan.ts';

const values = (text: string) =>
  scan(text).map((s) =>
    s.kind === 'parameter' || s.kind === 'directive' ? [s.line, s.name, s.value] : [s.line, s.kind],
  );

test('lines, comments, blanks', () => {
  assert.deepEqual(values('# c\n  ; c\n\n  a  b =  c # d ; e  \n\t[ m  n ] x\nk= \n=\n'), [
    [4, 'a b', 'c # d ; e'],
    [5, 'section'],
    [6, 'k', ''],
    [7, 'broken'],
  ]);
  assert.deepEqual(scan('[ m \t n ]')[0], { kind: 'section', line: 1, name: 'm n' });
});

test('only the first equals sign separates; blanks inside a value stay', () => {
  assert.deepEqual(values('a = b = c\nx=  1   2 [3]; 4  \r\n'), [
    [1, 'a', 'b = c'],
    [2, 'x', '1   2 [3]; 4'],
  ]);
});

test('a backslash goes on with the next line, but not of a comment', () => {
  assert.deepEqual(values('a = b \\\n  c\\  \n\td\n# x \\\ne = f\n'), [
    [1, 'a', 'b   c\td'],
    [5, 'e', 'f'],
  ]);
  assert.deepEqual(values('hosts \\\n allow = x\n'), [[1, 'hosts allow', 'x']]);
  assert.deepEqual(values('a = b\\\n# no comment\nc = d'), [
    [1, 'a', 'b# no comment'],
    [3, 'c', 'd'],
  ]);
  assert.deepEqual(values('a = b \\'), [[1, 'a', 'b']]);
  assert.deepEqual(values('\\\na = b'), [[2, 'a', 'b']]);
  assert.deepEqual(scan('[m\\\nn]')[0], { kind: 'section', line: 1, name: 'mn' });
});

test('directives end at a blank or an equals sign', () => {
  assert.deepEqual(values('&include /x y\n&Merge=/z\n&include = /w\n'), [
    [1, '&include', '/x y'],
    [2, '&merge', '/z'],
    [3, '&include', '/w'],
  ]);
});

test('what has no equals sign is passed over; what stock does not start with ends the reading', () => {
  assert.deepEqual(values('stray words\na=b\n[m\nc=d\n'), [
    [1, 'stray'],
    [2, 'a', 'b'],
    [3, 'broken'],
  ]);
  assert.deepEqual(values('[ ]\na=b'), [[1, 'broken']]);
  assert.deepEqual(values('&include\n'), [[1, 'stray']]);
});

test('names are found whatever their blanks and case; booleans and numbers as rsyncd reads them', () => {
  assert.equal(parameterNamed('READonly')?.name, 'read only');
  assert.equal(parameterNamed('r e a d  o n l y')?.name, 'read only');
  assert.equal(parameterNamed('read-only'), undefined);
  assert.equal(parameterNamed('post-xfer exec')?.ofModules, true);
  assert.equal(parameterNamed('port')?.ofModules, false);
  assert.deepEqual(['Yes', 'TRUE', '1', 'no', 'False', '0', 'on', ''].map(booleanOf), [
    true,
    true,
    true,
    false,
    false,
    false,
    undefined,
    undefined,
  ]);
  assert.deepEqual(['12', ' -3x', 'x', ''].map(numberOf), [12, -3, 0, 0]);
  assert.equal(new Set(PARAMETERS.map(({ name }) => name)).size, 59);
});
