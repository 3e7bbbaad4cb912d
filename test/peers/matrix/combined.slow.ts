import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { Random } from '../../support/random.ts';
import { fileScope } from '../../support/temporary.ts';
import { type MatrixCase, nameOf, protocols, recursions, transports, versionings } from './cases.ts';
import { stockClients } from './clients.ts';
import { type Extra, extras } from './extras.ts';
import { bases, outputs } from './option-sets.ts';
import { describe, runCase } from './run-case.ts';
import { Servers } from './servers.ts';
import { SourceTrees } from './trees.ts';

/**
 * As the matrix, but of every case one or two more option sets that do not say what is pushed and where to: options
 * that the matrix never has together. By hand:
 *
 * - NIGHTDROP_COMBINED=1000: so many
 * - NIGHTDROP_SEED=N: other ones
 * - NIGHTDROP_COMBINED_ONLY=17,80: of those the ones with these numbers
 */
const seed = Number(process.env.NIGHTDROP_SEED ?? 1);
const count = Number(process.env.NIGHTDROP_COMBINED ?? 60);
const only = process.env.NIGHTDROP_COMBINED_ONLY?.split(',').map(Number);

const scope = fileScope();
const random = new Random(seed);
const { clients } = await stockClients();
const pick = <T>(values: readonly T[]): T => values[random.below(values.length)];
const addable = extras.filter(
  ({ args, first, sources, to, input, changesSource }) =>
    args.length > 0 && (first ?? sources ?? to ?? input ?? changesSource) === undefined,
);
const cases: MatrixCase[] = Array.from({ length: count }, () => ({
  base: pick(bases),
  extra: together(
    pick(extras),
    Array.from({ length: 1 + random.below(2) }, () => pick(addable)),
  ),
  output: pick(outputs),
  protocol: pick(protocols),
  client: pick(clients).name,
  recursion: pick(recursions),
  transport: pick(transports),
  versions: pick(versionings),
}));
const moduleOf = (i: number): string => `case-${i}`;
const servers = await Servers.start(
  scope,
  cases.map((_, i) => moduleOf(i)),
);
const trees = new SourceTrees(path.join(servers.scratch, 'trees'), seed);

for (const [i, of] of cases.entries()) {
  if (only !== undefined && !only.includes(i)) continue;
  test(`${i}: ${nameOf(of)}`, async () => {
    const client = clients.find(({ name }) => name === of.client)!;
    const found = await runCase(of, client, moduleOf(i), servers, trees);
    const again = `NIGHTDROP_SEED=${seed} NIGHTDROP_COMBINED=${count} NIGHTDROP_COMBINED_ONLY=${i}`;
    assert.equal(found.length, 0, `${describe(found)}\nagain: ${again} npm test -- test/peers/matrix/combined.slow.ts`);
  });
}

after(() => console.log(`combined: ${cases.length} cases, NIGHTDROP_SEED=${seed}`));

function together(extra: Extra, more: Extra[]): Extra {
  const args = more.flatMap((set) => set.args);
  return {
    ...extra,
    name: [extra, ...more].map(({ name }) => name).join(' + '),
    args: [...extra.args, ...args],
    first: extra.first && [...extra.first, ...args],
  };
}
