import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { compareTrees } from '../../support/compare-trees.ts';
import { outputDifferences } from '../../support/outputs.ts';
import { type RunResult, run } from '../../support/run.ts';
import { removeFolder } from '../../support/temporary.ts';
import { type MatrixCase, nameOf } from './cases.ts';
import type { RsyncClient } from './clients.ts';
import { unexpected } from './exceptions.ts';
import type { Servers } from './servers.ts';
import type { SourceTrees } from './trees.ts';

/** A step that did not end as with stock: what was run, and what differs. */
export interface Difference {
  push: number;
  command: string;
  differences: string[];
}

/**
 * Makes the pushes of one case, to both servers side by side, and compares what the clients say and what is there after
 * each. Goes on after a difference: it shows whether later pushes mend it.
 */
export async function runCase(
  of: MatrixCase,
  client: RsyncClient,
  module: string,
  servers: Servers,
  trees: SourceTrees,
): Promise<Difference[]> {
  const found: Difference[] = [];
  const started = Date.now() - 1000;
  servers.begin(module);
  for (const [i, version] of of.versions.split('-').entries()) {
    const args = argumentsOf(of, i === 0);
    const destination = `${module}/${of.extra.to ?? ''}`;
    const [ours, stock] = await Promise.all(
      [servers.ours.port, servers.stock.port].map((port) =>
        run(client.command, [...args, `rsync://127.0.0.1:${port}/${destination}`], {
          cwd: trees.folder(version),
          input: of.extra.input,
          timeout: 120,
        }),
      ),
    );
    const all = outputDifferences({ ours, stock }, of.protocol);
    const defect = servers.ours.reports.splice(0).find((report) => report.defect !== undefined)?.defect;
    if (defect !== undefined) all.push(`a defect of the server: ${defect}`);
    all.push(...(await treeDifferences(servers, module, started)));
    const differences = unexpected(of, all);
    if (differences.length === 0) continue;
    const command = [client.command, ...args.map(quoted), `rsync://127.0.0.1/${destination}`].join(' ');
    found.push({ push: i + 1, command: `(version ${version}) ${command}`, differences });
  }
  if (found.length === 0) servers.end(module);
  return found;
}

const MOST_LINES = Number(process.env.NIGHTDROP_MATRIX_LINES ?? 20);
const MOST_COLUMNS = 300;

/** The error that a person reads who has to find out. */
export function describe(of: MatrixCase, found: Difference[]): string {
  const steps = found.map(({ push, command, differences }) => {
    const shown = differences.slice(0, MOST_LINES).map((line) => `    ${line.slice(0, MOST_COLUMNS)}`);
    if (differences.length > MOST_LINES) shown.push(`    … and ${differences.length - MOST_LINES} more`);
    return `  push ${push}: ${command}\n${shown.join('\n')}`;
  });
  return `again: NIGHTDROP_MATRIX_ONLY='${nameOf(of)}' npm test -- test/peers/matrix/matrix.test.ts\n${steps.join('\n')}`;
}

function argumentsOf(of: MatrixCase, first: boolean): string[] {
  const { base, extra, output, protocol, recursion } = of;
  return [
    ...base.args,
    ...((first ? extra.first : undefined) ?? extra.args),
    ...output.args,
    `--protocol=${protocol}`,
    ...(recursion === 'whole' ? ['--no-inc-recursive'] : []),
    ...(extra.sources ?? [extra.input === undefined ? './' : '.']),
  ];
}

async function treeDifferences(servers: Servers, module: string, started: number): Promise<string[]> {
  const restored = path.join(servers.scratch, `restored-${module}`);
  mkdirSync(restored);
  try {
    const any = await servers.vaults.restore(module, restored);
    const clock = { touchedSince: started, clockSince: started };
    // a module that nothing was pushed into has the attributes that its folder was made with
    return compareTrees(restored, servers.stockFolder(module), any ? clock : { ...clock, ignore: ['rootAttributes'] });
  } finally {
    removeFolder(restored);
  }
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

export type { RunResult };
