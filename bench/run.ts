/** npm run bench: nightdrop, a stock rsync daemon and restic, in turn, on the same trees. See README.md. */
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeFolder, removeFolder, type Scope } from '../test/support/temporary.ts';
import { plans } from './cases.ts';
import { makeResticPeer, type Peer, startNightdropPeer, startRsyncdPeer } from './peers.ts';
import { runPlans } from './runner.ts';
import { markdown } from './table.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    case: { type: 'string', multiple: true },
    runs: { type: 'string', default: '3' },
    peers: { type: 'string', default: 'nightdrop,rsyncd,restic' },
    folder: { type: 'string' },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const runs = Number(flags.runs);
if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs takes a number from 1 on');

/** Ends servers and removes folders in the reverse order of their making. */
const ends: (() => unknown)[] = [];
const scope: Scope = { after: (end) => ends.unshift(end) };

try {
  const folder = flags.folder ? path.resolve(flags.folder) : makeFolder('bench');
  if (!flags.keep && !flags.folder) scope.after(() => removeFolder(folder));
  const peers = await startPeers(folder);
  const rows = await runPlans(plans, { folder, peers, runs, quick: flags.quick, only: flags.case });
  console.log(flags.json ? JSON.stringify({ machine: machine(), runs, rows }, null, 2) : markdown(rows));
} finally {
  for (const end of ends) await end();
}

async function startPeers(folder: string): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (const name of flags.peers.split(',')) {
    if (name === 'nightdrop') peers.push(await startNightdropPeer(scope, folder));
    else if (name === 'rsyncd') peers.push(await startRsyncdPeer(scope, folder));
    else if (name === 'rsyncd-fsync') peers.push(await startRsyncdPeer(scope, folder, true));
    else if (name === 'restic') peers.push(makeResticPeer(folder));
    else throw new Error(`--peers takes nightdrop, rsyncd, rsyncd-fsync and restic, not ${name}`);
  }
  return peers;
}

function machine(): Record<string, unknown> {
  const [cpu] = cpus();
  return { cpu: cpu?.model, cores: cpus().length, node: process.version, temporary: tmpdir() };
}
