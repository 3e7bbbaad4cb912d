/** Runs cases: makes and changes the trees, warms the cache, lets each program take its turn. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runOk } from '../test/support/run.ts';
import type { Case, TreePlan } from './cases.ts';
import type { Cost, Peer } from './peers.ts';
import { medianCost, type Row } from './table.ts';

const makeTree = fileURLToPath(new URL('./make-tree.mjs', import.meta.url));
const LIMIT = { timeout: 600 };

export interface RunnerOptions {
  /** where trees are made */
  folder: string;
  peers: Peer[];
  /** measured runs of each case */
  runs: number;
  /** smaller trees */
  quick: boolean;
  /** names of the cases wanted; all unless told */
  only: string[] | undefined;
}

/** All rows of the table, case by case. */
export async function runPlans(plans: TreePlan[], options: RunnerOptions): Promise<Row[]> {
  const rows: Row[] = [];
  for (const plan of plans) {
    const chosen = plan.cases.filter((each) => !options.only || options.only.includes(each.name));
    if (chosen.length === 0) continue;
    const tree = path.join(options.folder, `tree-${plan.name}`);
    const make = options.quick ? plan.quick : plan.make;
    await runOk(process.execPath, [makeTree, ...make, '--out', tree], LIMIT);
    for (const each of chosen) rows.push(...(await runCase(plan, each, tree, options)));
  }
  return rows;
}

/** Nights already done on a tree, so that each changes other places. */
const nights = new Map<string, number>();
/** Stores that hold the tree as it was before the step. */
const filled = new Set<string>();

async function runCase(plan: TreePlan, each: Case, tree: string, options: RunnerOptions): Promise<Row[]> {
  const { peers, runs } = options;
  const costs = new Map<Peer, Cost[]>(peers.map((peer) => [peer, []]));
  const warmUp = each.warmUp ?? 0;
  if (!each.fresh) await fill(plan, each, tree, costs);
  for (let run = 0; run < (each.fill ? 0 : warmUp + runs); run++) {
    if (each.step) await changeTree(each.step, tree);
    warmCache(tree);
    for (const peer of inTurn(peers, run)) {
      progress(`${each.title}: ${peer.name}, ${run < warmUp ? 'warm-up' : `run ${run - warmUp + 1} of ${runs}`}`);
      const cost = await peer.take(tree, each.fresh ? `${plan.name}-${each.name}-${run}` : plan.name);
      if (run >= warmUp) costs.get(peer)?.push(cost);
    }
  }
  return rowsOf(each, costs, options);
}

/** The first push into the store that the steps then change; part of the result where the case is just that. */
async function fill(plan: TreePlan, each: Case, tree: string, costs: Map<Peer, Cost[]>): Promise<void> {
  for (const [peer, list] of costs) {
    const store = `${peer.name}/${plan.name}`;
    if (filled.has(store)) continue;
    filled.add(store);
    warmCache(tree);
    progress(`${each.title}: ${peer.name}, first push`);
    const cost = await peer.take(tree, plan.name);
    if (each.fill) list.push(cost);
  }
}

async function changeTree(step: string[], tree: string): Promise<void> {
  const night = (nights.get(tree) ?? 0) + 1;
  nights.set(tree, night);
  await runOk(process.execPath, [makeTree, 'night', '--out', tree, '--night', String(night), ...step], {
    timeout: 600,
  });
}

/** Reads everything once, so that no program pays for the disk in another's stead. */
function warmCache(tree: string): void {
  spawnSync('tar', ['--create', '--file=/dev/zero', '--directory', tree, '.'], { stdio: 'ignore' });
  spawnSync('sync');
}

/** Each run begins with another program, so that none always comes first. */
function inTurn(peers: Peer[], run: number): Peer[] {
  const first = run % peers.length;
  return [...peers.slice(first), ...peers.slice(0, first)];
}

function rowsOf(each: Case, costs: Map<Peer, Cost[]>, options: RunnerOptions): Row[] {
  const medians = [...costs].map(([peer, list]) => ({ peer: peer.name, cost: medianCost(list) }));
  const stock = medians.find(({ peer }) => peer === 'rsyncd')?.cost.wall;
  return medians.map(({ peer, cost }) => ({
    case: each.name,
    title: options.quick ? `${each.title} (quick: smaller)` : each.title,
    peer,
    cost,
    runs: each.fill ? 1 : options.runs,
    ratio: stock === undefined ? undefined : cost.wall / stock,
  }));
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
