import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startNightdrop } from '../support/nightdrop.ts';
import { Random } from '../support/random.ts';
import { fileScope } from '../support/temporary.ts';
import { answerTo, Peer } from './peer.ts';
import { logLines, until } from './processes.ts';

const scope = fileScope();
const server = await startNightdrop(scope);
const client = await server.addClient('web1');

/** Arguments of a pull, which is answered as soon as they are complete. */
function pull(extra: string[] = []): string {
  return ['--server', '--sender', '-logDtpre.iLsfxCIu', ...extra, '.', 'web1/', ''].map((word) => `${word}\0`).join('');
}

async function answered(peer: Peer): Promise<string> {
  const challenge = await peer.askFor('web1');
  return `web1 ${answerTo(challenge, client.secret)}\n`;
}

function pushLines(): Record<string, unknown>[] {
  return logLines(server.printed).filter(({ msg }) => msg === 'push');
}

/** Those with more arguments than any other test sends. */
function longPushes(): Record<string, unknown>[] {
  return pushLines().filter(({ wire_in }) => Number(wire_in) > 500);
}

test('arguments in the packet of the login reach the session', async (t) => {
  const peer = await Peer.connect(server.port, t);
  peer.send((await answered(peer)) + pull());
  const told = (await peer.rest()).toString('latin1');
  assert.match(told, /^@RSYNCD: OK\n/);
  assert.match(told, /ERROR: module is write only\n/);
});

test('arguments split at any place around the login reach the session', async (t) => {
  const args = pull();
  for (let at = 0; at < args.length; at += 5) {
    const peer = await Peer.connect(server.port, t);
    const answer = await answered(peer);
    peer.send(answer + args.slice(0, at));
    await peer.line();
    peer.send(args.slice(at));
    assert.match((await peer.rest()).toString('latin1'), /ERROR: module is write only\n/, `split at ${at}`);
  }
});

test('no byte is lost between listener and session, however the client sends', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  const random = new Random(seed);
  for (let round = 0; round < 12; round++) {
    const words = Array.from(
      { length: 20 + random.below(400) },
      (_, i) => `--exclude=${i}-${'x'.repeat(random.below(900))}`,
    );
    const args = pull(words);
    const seen = longPushes().length;
    const peer = await Peer.connect(server.port, t);
    const answer = await answered(peer);
    const first = random.below(3) === 0 ? 0 : random.below(args.length);
    peer.send(answer + args.slice(0, first));
    for (let at = first; at < args.length; ) {
      const length = 1 + random.below(30_000);
      peer.send(args.slice(at, at + length));
      at += length;
      if (random.below(3) === 0) await new Promise((resolve) => setTimeout(resolve, random.below(4)));
    }
    await peer.rest();
    const line = await until(() => longPushes()[seen]);
    assert.equal(line.wire_in, args.length, `round ${round}`);
  }
});

test('a client that goes right after its login costs nothing but a line in the log', async (t) => {
  const seen = pushLines().length;
  const peer = await Peer.connect(server.port, t);
  peer.send(await answered(peer));
  await peer.line();
  peer.socket.destroy();
  const line = await until(() => pushLines()[seen]);
  assert.notEqual(line.exit_code, 0);
  assert.equal(line.snapshot, undefined);
});
