import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { clientNames, dnsNames } from '../../src/server/tls/client-names.ts';
import { fileScope } from '../support/temporary.ts';
import { Authority, type CertificateOptions, type Pair } from './certificates.ts';
import { SECRETS } from './peer.ts';
import { until } from './processes.ts';
import { openTlsListener, type SecurePeer, type TlsListener } from './tls-peer.ts';

const scope = fileScope();
const authority = await Authority.make(scope);
const web1 = await authority.client('web1');
const listeners = {
  optional: await openTlsListener(scope, { clientCertificates: 'optional', clientCa: authority.certificate }),
  required: await openTlsListener(scope, { clientCertificates: 'required', clientCa: authority.certificate }),
};

/** Greeting and module; returns what the server says to it. */
async function ask(peer: SecurePeer, module: string): Promise<string | undefined> {
  const first = await peer.line();
  assert.match(String(first), /^@RSYNCD: 32\.0/);
  peer.send(`@RSYNCD: 32.0 sha512\n${module}\n`);
  return peer.line();
}

async function askWith(listener: TlsListener, client: Pair | undefined, module = 'web1'): Promise<string | undefined> {
  return ask(await listener.secure({ client }), module);
}

for (const mode of ['optional', 'required'] as const) {
  const listener = listeners[mode];

  test(`${mode}: a certificate with the client's name stands for its secret`, async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const peer = await listener.secure({ client: web1, minVersion: version, maxVersion: version });
      assert.equal(await ask(peer, 'web1'), '@RSYNCD: OK');
    }
    assert.equal(listener.guests.at(-1)?.vault, 'web1');
  });

  test(`${mode}: a certificate that names another client is refused as a wrong secret is`, async () => {
    assert.equal(await askWith(listener, web1, 'web2'), '@ERROR: auth failed on module web2');
    assert.equal(await askWith(listener, web1, 'nosuch'), '@ERROR: auth failed on module nosuch');
    const line = await until(() => listener.log.find(({ module }) => module === 'web2'));
    assert.deepEqual([line.msg, line.user], ['login refused', 'certificate of web1']);
  });

  test(`${mode}: a name without a secret behind it, of a client that was removed, gets in no more`, async () => {
    const removed = await authority.client('web3');
    assert.equal(await askWith(listener, removed, 'web3'), '@ERROR: auth failed on module web3');
  });

  const unaccepted: [string, () => Promise<Pair>, RegExp][] = [
    ['of another authority', async () => (await Authority.make(scope, 'Other')).client('web1'), /unable to verify/],
    ['that has ended', () => authority.client('web1', { from: '20200101000000Z', to: '20210101000000Z' }), /expired/],
    ['made for servers', () => authority.client('web1', { usage: 'serverAuth' }), /purpose/],
  ];
  for (const [what, make, why] of unaccepted) {
    test(`${mode}: a certificate ${what} is not accepted, and the client hears why`, async () => {
      const told = String(await askWith(listener, await make()));
      assert.match(told, /^@ERROR: the client's certificate is not accepted: /);
      assert.match(told, why);
    });
  }
}

test('required: without a certificate nobody gets to the login', async () => {
  for (const module of ['web1', '#list'])
    assert.equal(
      await askWith(listeners.required, undefined, module),
      '@ERROR: this server asks for a certificate of the client',
    );
});

test('optional: without a certificate the secret is asked for', async () => {
  const peer = await listeners.optional.secure();
  assert.equal(await peer.login('web1', SECRETS.web1), '@RSYNCD: OK');
  const wrong = await listeners.optional.secure();
  assert.equal(await wrong.login('web1', 'wrong'), '@ERROR: auth failed on module web1');
});

test('no: nobody is asked for a certificate, and one proves nothing', async (t) => {
  const listener = await openTlsListener(t, { clientCertificates: 'no', clientCa: authority.certificate });
  assert.match(String(await askWith(listener, web1)), /AUTHREQD/);
});

test('a refusal by certificate takes as long whether or not the module exists', async (t) => {
  const listener = await openTlsListener(t, { clientCertificates: 'required', clientCa: authority.certificate });
  const timeOf = async (module: string) => {
    const peer = await listener.secure({ client: web1 });
    await peer.line();
    const from = performance.now();
    peer.send(`@RSYNCD: 32.0 sha512\n${module}\n`);
    await peer.line();
    return performance.now() - from;
  };
  for (const module of ['web2', 'nosuch']) assert.ok((await timeOf(module)) >= 55, module);
});

test('a withdrawn certificate is not accepted; another one is', async (t) => {
  const withdrawn = await authority.client('web2');
  const clientCrl = await authority.revoke(withdrawn);
  const listener = await openTlsListener(t, {
    clientCertificates: 'required',
    clientCa: authority.certificate,
    clientCrl,
  });
  assert.match(String(await askWith(listener, withdrawn)), /not accepted: cert revoked$/);
  assert.equal(await askWith(listener, web1), '@RSYNCD: OK');
});

test('a session that is taken up again does not bring a certificate back', async () => {
  const first = await listeners.required.secure({ client: web1, maxVersion: 'TLSv1.2' });
  assert.equal(await ask(first, 'web1'), '@RSYNCD: OK');
  const session = first.socket.getSession();
  const again = await listeners.required.secure({ session, maxVersion: 'TLSv1.2' });
  assert.equal(again.socket.isSessionReused(), false);
  assert.match(String(await ask(again, 'web1')), /asks for a certificate/);
});

const named: [string, CertificateOptions, string[]][] = [
  ['the common name', { subject: '/O=Example/CN=web1' }, ['web1']],
  ['the common name alone', { subject: '/CN=web1', alternative: 'DNS:web2' }, ['web1']],
  [
    'DNS names where there is none',
    { subject: '/O=Example', alternative: 'DNS:web1, DNS:web2.example.org' },
    ['web1', 'web2.example.org'],
  ],
  ['nothing else', { subject: '/O=web1', alternative: 'IP:192.0.2.1, email:web1@example.org, URI:web1' }, []],
  ['none of two common names', { subject: '/CN=web1/CN=web2' }, []],
  ['no wildcard', { subject: '/O=Example', alternative: 'DNS:*.example.org' }, []],
  ['no path', { subject: '/CN=..' }, []],
];
for (const [what, options, names] of named) {
  test(`a certificate names a client by ${what}`, async () => {
    const { certificate } = await authority.client('name', options);
    assert.deepEqual(clientNames(new X509Certificate(readFileSync(certificate))), names);
  });
}

test('a name with commas and quotes in it is one name', () => {
  assert.deepEqual(dnsNames('DNS:web1, IP Address:192.0.2.1, DNS:web2'), ['web1', 'web2']);
  assert.deepEqual(dnsNames('DNS:"a, DNS:web1, b", DNS:web2'), ['"a, DNS:web1, b"', 'web2']);
  assert.deepEqual(dnsNames('DNS:"a\\", DNS:web1, \\"b"'), ['"a\\", DNS:web1, \\"b"']);
  assert.deepEqual(dnsNames('DNS:"a, DNS:web1'), []);
  assert.deepEqual(dnsNames(''), []);
});
