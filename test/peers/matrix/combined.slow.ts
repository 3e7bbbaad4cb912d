import { Random } from '../../support/random.ts';
import { fileScope } from '../../support/temporary.ts';
import { type MatrixCase, nameOf, protocols, recursions, transports, versionings } from './cases.ts';
import { stockClients } from './clients.ts';
import { type Extra, extras } from './extras.ts';
import { bases, outputs } from './option-sets.ts';
import { testCases } from './test-cases.ts';

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
await testCases(scope, {
  kind: 'combined',
  seed,
  cases,
  clients,
  only,
  nameOf: (of, i) => `${i}: ${nameOf(of)}`,
  again: (_, i) =>
    `NIGHTDROP_SEED=${seed} NIGHTDROP_COMBINED=${count} NIGHTDROP_COMBINED_ONLY=${i} npm test -- test/peers/matrix/combined.slow.ts`,
});

function together(extra: Extra, more: Extra[]): Extra {
  const args = more.flatMap((set) => set.args);
  return {
    ...extra,
    name: [extra, ...more].map(({ name }) => name).join(' + '),
    args: [...extra.args, ...args],
    first: extra.first && [...extra.first, ...args],
  };
}
