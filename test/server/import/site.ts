/** An rsyncd.conf with what it needs, and a data folder that it is imported into. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { isRoot } from '../../support/make-tree.ts';
import { nightdropOk } from '../../support/nightdrop.ts';
import { run } from '../../support/run.ts';
import { temporaryFolder } from '../../support/temporary.ts';

export interface Site {
  folder: string;
  conf: string;
  secrets: string;
}

/** A folder with an rsyncd.conf, its secrets file, and a folder for each module. FOLDER in the lines stands for its name. */
export function makeSite(t: TestContext, lines: string[], secrets: string): Site {
  const folder = temporaryFolder(t, 'site');
  const site = { folder, conf: path.join(folder, 'rsyncd.conf'), secrets: path.join(folder, 'secrets') };
  const owner = isRoot ? ['use chroot = yes', 'uid = root', 'gid = root'] : ['use chroot = no'];
  const text = [...owner, `secrets file = ${site.secrets}`, `lock file = ${folder}/lock`, ...lines, ''].join('\n');
  writeFileSync(site.conf, text.replaceAll('FOLDER', folder));
  writeFileSync(site.secrets, secrets, { mode: 0o600 });
  for (const [, name] of text.matchAll(/path = FOLDER\/(\w+)/g)) mkdirSync(path.join(folder, name));
  return site;
}

export async function makeData(t: TestContext): Promise<string> {
  const data = path.join(temporaryFolder(t), 'data');
  await nightdropOk(undefined, ['init', data]);
  return data;
}

export const importConf = (data: string, ...args: string[]) =>
  run('bin/nightdrop', ['--data', data, 'import', ...args]);
