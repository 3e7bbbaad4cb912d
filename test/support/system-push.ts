import { startPair } from './pair.ts';
import { resticCheck } from './restic.ts';
import { changeSystemTree, copySystemTree } from './system-tree.ts';
import { type Scope, temporaryFolder } from './temporary.ts';

/** Pushes a copy of a system folder, changes it, pushes it again in both ways, and has the results judged. */
export async function pushSystemTree(scope: Scope, folder: string, limit: number): Promise<void> {
  const pair = await startPair(scope);
  const source = temporaryFolder(scope, 'system');
  await copySystemTree(folder, source, limit);
  await pair.pushOk(['-aHAX'], [`${source}/`]);
  await pair.assertSame();
  changeSystemTree(source);
  await pair.pushOk(['-aHAX'], [`${source}/`]);
  await pair.assertSame();
  await pair.pushOk(['-aHAX', '--delete'], [`${source}/`]);
  await pair.assertSame();
  await pair.assertSameByRestic();
  await resticCheck(await pair.server.vaultInfo('web1'));
}
