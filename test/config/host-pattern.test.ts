import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHostPattern, splitHosts } from '../../src/config/host-pattern.ts';
import { parseSettings } from '../../src/config/load.ts';

const networks: [string, string, string][] = [
  ['192.0.2.7', 'c0000207', 'ffffffff'],
  ['192.0.2.0/24', 'c0000200', 'ffffff00'],
  ['192.0.2.0/23', 'c0000200', 'fffffe00'],
  ['192.0.2.7/0', 'c0000207', '00000000'],
  ['192.0.2.7/32', 'c0000207', 'ffffffff'],
  ['192.0.2.0/255.255.0.255', 'c0000200', 'ffff00ff'],
  ['::1', `${'00'.repeat(15)}01`, 'ff'.repeat(16)],
  ['2001:db8::/33', `20010db8${'00'.repeat(12)}`, `ffffffff80${'00'.repeat(11)}`],
  ['2001:db8::/ffff:ffff::', `20010db8${'00'.repeat(12)}`, `ffffffff${'00'.repeat(12)}`],
  ['::ffff:192.0.2.7', 'c0000207', 'ffffffff'],
  ['::ffff:c000:207', 'c0000207', 'ffffffff'],
  ['::ffff:192.0.2.0/120', 'c0000200', 'ffffff00'],
  ['::ffff:192.0.2.0/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00', 'c0000200', 'ffffff00'],
];

test('addresses and networks are read, mapped ones as IPv4', () => {
  for (const [word, address, mask] of networks) {
    const pattern = parseHostPattern(word);
    assert.ok(typeof pattern === 'object' && pattern.kind === 'network', `${word} ${pattern}`);
    assert.deepEqual([pattern.address.toString('hex'), pattern.mask.toString('hex')], [address, mask], word);
  }
});

test('names are in lower case; those that can be looked up are known', () => {
  const name = (pattern: string, plain: boolean) => ({ kind: 'name', pattern, plain });
  assert.deepEqual(parseHostPattern('Web1.Example.org'), name('web1.example.org', true));
  assert.deepEqual(parseHostPattern('*.Example.org'), name('*.example.org', false));
  assert.deepEqual(parseHostPattern('web[1-9]'), name('web[1-9]', false));
  assert.deepEqual(parseHostPattern('UNKNOWN'), name('unknown', false));
  assert.deepEqual(parseHostPattern('*'), name('*', false));
});

const wrong: [string, RegExp][] = [
  ['192.0.2', /is no IP address/],
  ['192.0.2.256', /is no IP address/],
  ['192.0.2.0/33', /has a mask/],
  ['192.0.2.0/', /has a mask/],
  ['192.0.2.0/-1', /has a mask/],
  ['192.0.2.0/24x', /has a mask/],
  ['192.0.2.0/ffff::', /has a mask/],
  ['2001:db8::/129', /has a mask/],
  ['2001:db8::/255.0.0.0', /has a mask/],
  ['::ffff:192.0.2.0/24', /from 96 to 128/],
  ['2001:db8:::1', /is no IP address/],
  ['fe80::1%eth0', /zone/],
  ['fe80::%eth0/64', /zone/],
  ['@admins', /netgroup/],
  ['host/24', /a name has no mask/],
  ['bücher.example', /xn--/],
  ['a b', /ASCII|neither/],
  ['host;rm', /neither an address nor a host name/],
];

test('what is neither is told why', () => {
  for (const [word, why] of wrong) {
    const told = parseHostPattern(word);
    assert.equal(typeof told, 'string', word);
    assert.match(told as string, why, word);
  }
});

test('the settings take a list, or text as in rsyncd.conf; a mistake is told with its place', () => {
  assert.deepEqual(splitHosts(' a, b\tc ,,d '), ['a', 'b', 'c', 'd']);
  const { defaults } = parseSettings(
    '[defaults]\nhosts_allow = "192.0.2.7, ::1 *.org"\nhosts_deny = ["*"]\n',
    'n.toml',
  );
  assert.deepEqual([defaults.hostsAllow, defaults.hostsDeny], [['192.0.2.7', '::1', '*.org'], ['*']]);
  assert.throws(
    () => parseSettings('[vaults.web1]\numask = 0\nhosts_deny = ["::1", "192.0.2.0/40"]\n', 'n.toml'),
    /^\w+: n\.toml:3: vaults\.web1\.hosts_deny: 192\.0\.2\.0\/40 has a mask/,
  );
});
