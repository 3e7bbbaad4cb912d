import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, openListener, SECRETS } from './peer.ts';

test('the right secret gets in, with every digest', async (t) => {
  const listener = await openListener(t);
  for (const digest of ['sha512', 'sha256', 'sha1', 'md5']) {
    const peer = await listener.connect();
    const challenge = await peer.askFor('web1', digest);
    peer.send(`web1 ${answerTo(challenge, SECRETS.web1, digest)}\n`);
    assert.equal(await peer.line(), '@RSYNCD: OK');
  }
  assert.deepEqual(
    listener.guests.map(({ vault, protocol, initial }) => [vault, protocol, initial.length]),
    Array(4).fill(['web1', 32, 0]),
  );
});

const wrong: [string, (challenge: string) => string][] = [
  ['a wrong secret', (c) => `web1 ${answerTo(c, 'wrong')}`],
  ['a wrong user', (c) => `web2 ${answerTo(c, SECRETS.web1)}`],
  ['no user', (c) => `${answerTo(c, SECRETS.web1)}`],
  ['an empty line', () => ''],
  ['no answer', () => 'web1 '],
  ['an answer that is too short', (c) => `web1 ${answerTo(c, SECRETS.web1).slice(0, -1)}`],
  ['an answer that is too long', (c) => `web1 ${answerTo(c, SECRETS.web1)}A`],
  ['an answer with padding', (c) => `web1 ${answerTo(c, SECRETS.web1)}==`],
  ['an answer that is not base64', () => 'web1 \x00\xff%s%n'],
  ['the answer by another digest', (c) => `web1 ${answerTo(c, SECRETS.web1, 'md5')}`],
  ['the answer of no secret', (c) => `web1 ${answerTo(c, '')}`],
  ['more than the answer', (c) => `web1 ${answerTo(c, SECRETS.web1)} x`],
];

for (const [what, answer] of wrong) {
  test(`${what} is refused like every other`, async (t) => {
    const listener = await openListener(t);
    const peer = await listener.connect();
    peer.send(''); // nothing
    const challenge = await peer.askFor('web1');
    peer.send(Buffer.from(`${answer(challenge)}\n`, 'latin1'));
    assert.equal((await peer.rest()).toString(), '@ERROR: auth failed on module web1\n');
    assert.equal(listener.guests.length, 0);
    assert.ok(listener.log.some(({ msg, module }) => msg === 'login refused' && module === 'web1'));
  });
}

test('an unknown module is refused in the same words, also with the secret the server uses for it', async (t) => {
  const listener = await openListener(t);
  for (const module of ['web3', '../web1', 'a/b', '.', 'constructor', '%s%n', 'web1 ', 'WEB1']) {
    const peer = await listener.connect();
    const challenge = await peer.askFor(module);
    peer.send(`${module} ${answerTo(challenge, '\0'.repeat(32))}\n`);
    assert.equal((await peer.rest()).toString(), `@ERROR: auth failed on module ${module}\n`);
  }
  assert.equal(listener.guests.length, 0);
});

test('control characters in a module name come back escaped, and cannot forge a log line', async (t) => {
  const listener = await openListener(t);
  const peer = await listener.connect();
  const module = 'a\x1b[2J\x00\r\x7f\xff';
  await peer.line();
  peer.send(Buffer.from(`@RSYNCD: 32.0 sha512\n${module}\nx y\n`, 'latin1'));
  await peer.line();
  assert.equal((await peer.rest()).toString('latin1'), '@ERROR: auth failed on module a\\x1b[2J\\x00\\x0d\\x7f\\xff\n');
  assert.equal(listener.log.find(({ msg }) => msg === 'login refused')?.module, 'a\\x1b[2J\\x00\\x0d\\x7f\\xff');
});

test('a wrong secret and an unknown module take the same time', async (t) => {
  const listener = await openListener(t);
  const timeOf = async (module: string) => {
    const peer = await listener.connect();
    const challenge = await peer.askFor(module);
    const from = performance.now();
    peer.send(`${module} ${answerTo(challenge, 'wrong')}\n`);
    await peer.line();
    return performance.now() - from;
  };
  const times: Record<string, number[]> = { web1: [], web3: [] };
  for (let i = 0; i < 4; i++) for (const module of ['web1', 'web3']) times[module].push(await timeOf(module));
  // the fastest of each: what the server does, without what else the machine does
  const [known, unknown] = [Math.min(...times.web1), Math.min(...times.web3)];
  assert.ok(known >= 55 && unknown >= 55, `${known} ms, ${unknown} ms`);
  assert.ok(Math.abs(known - unknown) < 10, `${known} ms, ${unknown} ms`);
});

test('an answer to an old challenge fails', async (t) => {
  const listener = await openListener(t);
  const first = await listener.connect();
  const answer = answerTo(await first.askFor('web1'), SECRETS.web1);
  first.send(`web1 ${answer}\n`);
  assert.equal(await first.line(), '@RSYNCD: OK');
  const second = await listener.connect();
  await second.askFor('web1');
  second.send(`web1 ${answer}\n`);
  assert.match(String(await second.line()), /auth failed/);
});

test('a client that offers only a digest below the weakest accepted is refused before any challenge', async (t) => {
  const listener = await openListener(t, { weakestDigest: 'sha256' });
  const peer = await listener.connect();
  assert.equal(await peer.line(), '@RSYNCD: 32.0 sha512 sha256');
  peer.send('@RSYNCD: 32.0 md4\nweb1\n');
  assert.match(
    (await peer.rest()).toString(),
    /^@ERROR: no login digest in common: this server accepts sha512 sha256\n$/,
  );
});

test('a secret that must not be used lets nobody in; the log says why', async (t) => {
  const listener = await openListener(t, {}, { secretOf: () => Promise.reject(new Error('can be read by others')) });
  const peer = await listener.connect();
  assert.match(String(await peer.login('web1', SECRETS.web1)), /auth failed/);
  assert.ok(listener.log.some(({ error }) => error === 'can be read by others'));
});

test('from the tenth wrong login on an address waits, and is told of once; others do not wait', async (t) => {
  const listener = await openListener(t);
  for (let i = 0; i < 10; i++) await (await listener.connect()).login('web1', 'wrong');
  assert.equal(listener.log.filter(({ alert }) => alert === true).length, 1);
  const timed = async (localAddress?: string) => {
    const peer = await listener.connect(localAddress);
    const from = performance.now();
    assert.equal(await peer.login('web1', SECRETS.web1), '@RSYNCD: OK');
    return performance.now() - from;
  };
  assert.ok((await timed('127.0.0.2')) < 200);
  assert.ok((await timed()) >= 240);
});

test('the module list is empty unless the settings say otherwise', async (t) => {
  for (const [listModules, expected] of [
    [false, '@RSYNCD: EXIT\n'],
    [true, 'web1           \t\nweb2           \t\n@RSYNCD: EXIT\n'],
  ] as const) {
    const listener = await openListener(t, { listModules });
    for (const ask of ['#list', '']) {
      const peer = await listener.connect();
      await peer.line();
      peer.send(`@RSYNCD: 31.0\n${ask}\n`);
      assert.equal((await peer.rest()).toString(), expected);
    }
    assert.equal(listener.log.filter(({ msg }) => msg === 'asked for the list of modules').length, 2);
  }
});

test('the text of the day comes before the login, and cannot be read as ours', async (t) => {
  const listener = await openListener(t, { motd: 'Hello\n@ERROR: no\n' });
  const peer = await listener.connect();
  await peer.line();
  peer.send('@RSYNCD: 31.0\nweb1\n');
  assert.deepEqual([await peer.line(), await peer.line()], ['Hello', ' @ERROR: no']);
  assert.match(String(await peer.line()), /AUTHREQD/);
});

test('early input is dropped; too much of it is refused', async (t) => {
  const listener = await openListener(t);
  const peer = await listener.connect();
  await peer.line();
  peer.send(`@RSYNCD: 32.0 sha512\n#early_input=5120\n${'x'.repeat(5119)}\nweb1\n`);
  assert.match(String(await peer.line()), /AUTHREQD/);
  for (const length of ['0', '5121', '999999999']) {
    const greedy = await listener.connect();
    await greedy.line();
    greedy.send(`@RSYNCD: 32.0 sha512\n#early_input=${length}\n`);
    assert.match(String(await greedy.line()), /^@ERROR: early input/);
  }
});
