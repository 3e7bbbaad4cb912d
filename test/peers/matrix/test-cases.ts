import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Scope } from '../../support/temporary.ts';
import type { MatrixCase } from './cases.ts';
import { chosenClients, type RsyncClient } from './clients.ts';
import { describe, runCase } from './run-case.ts';
import { Servers } from './servers.ts';
import { SourceTrees } from './trees.ts';

export interface TestedCases {
  /** of what: in the last line that is printed */
  kind: string;
  seed: number;
  cases: readonly MatrixCase[];
  clients: readonly RsyncClient[];
  nameOf: (of: MatrixCase, i: number) => string;
  /** the command that runs this one alone */
  again: (of: MatrixCase, i: number) => string;
  /** numbers of those that are run; all unless told */
  only?: readonly number[];
}

/** A test for each case; all share two servers, with a module for each. To be awaited before a file has other tests. */
export async function testCases(scope: Scope, tested: TestedCases): Promise<void> {
  const { kind, seed, cases, clients, nameOf, again, only } = tested;
  const moduleOf = (i: number): string => `case-${i}`;
  const servers = await Servers.start(
    scope,
    cases.map((_, i) => moduleOf(i)),
  );
  const trees = new SourceTrees(path.join(servers.scratch, 'trees'), seed);
  for (const [i, of] of cases.entries()) {
    if (only !== undefined && !only.includes(i)) continue;
    test(nameOf(of, i), async () => {
      const client = clients.find(({ name }) => name === of.client)!;
      const spoken = { ...of, protocol: Math.min(of.protocol, client.protocol) };
      const found = await runCase(spoken, client, moduleOf(i), servers, trees);
      assert.equal(found.length, 0, `${describe(found)}\nagain: ${chosenClients}${again(of, i)}`);
    });
  }
  after(() => console.log(`${kind}: ${cases.length} cases, NIGHTDROP_SEED=${seed}`));
}
