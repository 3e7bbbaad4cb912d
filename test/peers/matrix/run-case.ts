import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { compareTrees } from '../../support/compare-trees.ts';
import { outputDifferences } from '../../support/outputs.ts';
import { type RunResult, run } from '../../support/run.ts';
import { removeFolder } from '../../support/temporary.ts';
import type { MatrixCase } from './cases.ts';
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
    const shell = of.transport === 'stdio' ? ['-e', servers.stdio.rsh] : [];
    const args = [...shell, ...argumentsOf(of, client, i === 0)];
    const to = (i === 0 ? of.extra.firstTo : undefined) ?? of.extra.to ?? '';
    const destinations = servers.destinations(of.transport, module, to);
    const folders = of.extra.changesSource ? await trees.copies(version, 2) : [];
    const [ours, stock] = await Promise.all(
      destinations.map((destination, which) =>
        run(client.command, [...args, destination], {
          cwd: folders[which] ?? trees.folder(version),
          input: of.extra.input,
          timeout: 120,
        }),
      ),
    );
    const all = outputDifferences(
      { ours, stock },
      {
        protocol: of.protocol,
        // only there may a client ask for levels at which the server names what stays
        unordered: of.transport === 'stdio',
        folder: servers.stockFolder(module),
      },
    );
    if (folders.length > 0)
      all.push(
        ...compareTrees(folders[0], folders[1], { clockSince: started }).map(
          (line) => `what the client has left: ${line}`,
        ),
      );
    // a session goes on when its client is gone
    await servers.settled();
    all.push(...(await treeDifferences(servers, module, started)));
    const defect = servers.ours.reports.splice(0).find((report) => report.defect !== undefined)?.defect;
    if (defect !== undefined) all.push(`a defect of the server: ${defect}`);
    const differences = unexpected(of, all);
    if (differences.length === 0) continue;
    const command = [client.command, ...args.map(quoted), quoted(destinations[0])].join(' ');
    found.push({ push: i + 1, command: `(version ${version}) ${command}`, differences });
  }
  if (found.length === 0) servers.end(module);
  return found;
}

const MOST_LINES = Number(process.env.NIGHTDROP_MATRIX_LINES ?? 20);
const MOST_COLUMNS = 320;

/** Both ends of a long line: long paths differ at theirs. */
function shortened(line: string): string {
  const half = MOST_COLUMNS / 2;
  return line.length <= MOST_COLUMNS ? line : `${line.slice(0, half)} … ${line.slice(-half)}`;
}

/** The error that a person reads who has to find out. */
export function describe(found: Difference[]): string {
  const steps = found.map(({ push, command, differences }) => {
    const shown = differences.slice(0, MOST_LINES).map((line) => `    ${shortened(line)}`);
    if (differences.length > MOST_LINES) shown.push(`    … and ${differences.length - MOST_LINES} more`);
    return `  push ${push}: ${command}\n${shown.join('\n')}`;
  });
  return steps.join('\n');
}

function argumentsOf(of: MatrixCase, client: RsyncClient, first: boolean): string[] {
  const { base, extra, output, protocol, recursion } = of;
  return [
    ...base.args,
    ...((first ? extra.first : undefined) ?? extra.args),
    ...output.args,
    `--protocol=${protocol}`,
    // older releases do not know the option
    ...(recursion === 'whole' && client.protocol >= 30 ? ['--no-inc-recursive'] : []),
    ...(extra.sources ?? [extra.input === undefined ? './' : '.']),
  ];
}

export async function treeDifferences(servers: Servers, module: string, started: number): Promise<string[]> {
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
