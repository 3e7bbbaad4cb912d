import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTime, parseTime } from '../../src/repository/time.ts';

test('times are RFC 3339 with the digits they need', () => {
  const cases: [sec: number, nsec: number, text: string][] = [
    [0, 0, '1970-01-01T00:00:00Z'],
    [0, 1, '1970-01-01T00:00:00.000000001Z'],
    [-1, 500_000_000, '1969-12-31T23:59:59.5Z'],
    [1_600_000_000, 123_456_000, '2020-09-13T12:26:40.123456Z'],
    [253_402_300_799, 999_999_999, '9999-12-31T23:59:59.999999999Z'],
    [-62_167_219_200, 0, '0000-01-01T00:00:00Z'],
  ];
  for (const [sec, nsec, text] of cases) {
    assert.equal(formatTime({ sec, nsec }), text);
    assert.deepEqual(parseTime(text), { sec, nsec });
  }
});

test('a time beyond the years that can be written becomes the nearest', () => {
  assert.match(formatTime({ sec: 2 ** 40, nsec: 0 }), /^9999-12-31T23:59:59/);
  assert.match(formatTime({ sec: -(2 ** 40), nsec: 0 }), /^0000-01-01T00:00:00/);
});

test('zones are understood, and what is no time is refused', () => {
  assert.deepEqual(parseTime('2020-09-13T14:26:40.5+02:00'), { sec: 1_600_000_000, nsec: 500_000_000 });
  assert.deepEqual(parseTime('2020-09-13T03:56:40-08:30'), { sec: 1_600_000_000, nsec: 0 });
  for (const text of [
    '',
    '2020',
    '2020-13-01T00:00:00Z',
    '2020-01-01T00:00:00',
    '2020-01-01T00:00:00.Z',
    '2020-01-01T00:00:00.1234567890Z',
  ])
    assert.throws(() => parseTime(text), TypeError, text);
});
