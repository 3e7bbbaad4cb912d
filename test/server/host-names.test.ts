import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { HostNames } from '../../src/server/host-names.ts';
import { HostRules } from '../../src/server/host-rules.ts';
import { startDns } from '../support/dns-server.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
const hostsFile = path.join(temporaryFolder(scope), 'hosts');
writeFileSync(hostsFile, '# nobody\n192.0.2.1  Own.example own # us\n\n::5 six.example\n');
const server = await startDns(scope, {
  '7.2.0.192.in-addr.arpa': ['web7.example.org'],
  'web7.example.org': ['192.0.2.7', '2001:db8::7'],
  '8.2.0.192.in-addr.arpa': ['web7.example.org'],
  '9.2.0.192.in-addr.arpa': 'silent',
  '10.2.0.192.in-addr.arpa': ['slow.example.org'],
  'slow.example.org': 'silent',
  '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa': ['web7.example.org'],
  '11.2.0.192.in-addr.arpa': ['evil name\n.example'],
  'dynamic.example.org': ['192.0.2.99'],
  'gone.example.org': [],
});
const names = new HostNames({ servers: [server], hostsFile });

test('a name counts when it points back to the address', async () => {
  const reverse = async (address: string) => (await names.reverse(address)).name;
  assert.equal(await reverse('192.0.2.7'), 'web7.example.org');
  assert.equal(await reverse('2001:db8::7'), 'web7.example.org');
  assert.equal(await reverse('192.0.2.8'), 'UNKNOWN', 'the name is of another address');
  assert.equal(await reverse('192.0.2.66'), 'UNKNOWN', 'no name');
  assert.equal(await reverse('192.0.2.11'), 'UNKNOWN', 'no name that could be one');
  assert.equal(await reverse('192.0.2.1'), 'own.example', 'the file of hosts comes first');
  assert.equal(await reverse('::5'), 'six.example');
});

test('a name server that does not answer holds nobody up for long, and is no answer', async () => {
  const started = performance.now();
  const [silent, half] = await Promise.all([names.reverse('192.0.2.9'), names.reverse('192.0.2.10')]);
  assert.deepEqual(
    [silent, half],
    [
      { name: 'UNKNOWN', failed: true },
      { name: 'UNKNOWN', failed: true },
    ],
  );
  assert.ok(performance.now() - started < 30_000);
});

const lookups = { reverseLookup: true, forwardLookup: true };

async function allowed(address: string, hostsAllow: string[], hostsDeny: string[], how = lookups): Promise<boolean> {
  const rules = new HostRules({ hostsAllow, hostsDeny }, new Map(), how);
  return (await rules.judge(address, names)).allows('web1');
}

test('rules by name: wildcards, own names, names that are looked up', async () => {
  assert.equal(await allowed('192.0.2.7', ['*.example.org'], []), true);
  assert.equal(await allowed('192.0.2.7', ['WEB?.Example.ORG'], []), true);
  assert.equal(await allowed('192.0.2.8', ['*.example.org'], []), false);
  assert.equal(await allowed('192.0.2.99', ['dynamic.example.org'], []), true, 'without a name of its own');
  assert.equal(await allowed('192.0.2.98', ['dynamic.example.org'], []), false);
  assert.equal(await allowed('192.0.2.66', ['unknown'], []), true);
  assert.equal(await allowed('192.0.2.7', [], ['*.example.org']), false);
  assert.equal(await allowed('192.0.2.66', [], ['*.example.org']), true);
});

test('lookups that are turned off match nothing', async () => {
  assert.equal(await allowed('192.0.2.7', ['*.example.org'], [], { ...lookups, reverseLookup: false }), false);
  assert.equal(await allowed('192.0.2.99', ['dynamic.example.org'], [], { ...lookups, forwardLookup: false }), false);
});

test('what cannot be resolved denies, and allows nobody', async () => {
  assert.equal(await allowed('192.0.2.66', [], ['gone.example.org']), false);
  assert.equal(await allowed('192.0.2.66', ['gone.example.org'], []), false);
  assert.equal(await allowed('192.0.2.66', [], ['slow.example.org']), false);
  assert.equal(await allowed('192.0.2.9', [], ['*.example.org']), false, 'its name may be that');
  assert.equal(await allowed('192.0.2.9', ['*.example.org'], []), false);
});

test('all vaults are asked at once; one without rules of its own has the defaults', async () => {
  const own = new Map([['web1', { hostsAllow: ['192.0.2.7'], hostsDeny: [] }]]);
  const rules = new HostRules({ hostsAllow: ['192.0.2.8'], hostsDeny: [] }, own, lookups);
  const seven = await rules.judge('192.0.2.7', names);
  assert.deepEqual([seven.anywhere, seven.allows('web1'), seven.allows('none')], [true, true, false]);
  const eight = await rules.judge('192.0.2.8', names);
  assert.deepEqual([eight.anywhere, eight.allows('web1'), eight.allows('none')], [true, false, true]);
  const nine = await rules.judge('192.0.2.66', names);
  assert.deepEqual([nine.anywhere, nine.host], [false, 'UNDETERMINED']);
});
