/** What a plan says, written: the settings first, so that no client is let in before its rules hold. */
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { vaultLayout } from '../../vault/layout.ts';
import { createVault, writeSecret } from '../../vault/vault.ts';
import type { ClientDraft } from './draft.ts';
import type { ImportPlan } from './plan.ts';

export async function applyImport(
  dataDir: string,
  { clients, settingsFile, before, after }: ImportPlan,
): Promise<void> {
  if (after !== before) await replaceFile(settingsFile, after);
  for (const client of clients) await makeClient(dataDir, client);
}

/** A client that is here keeps its backups, and gets these secrets in place of its own. */
async function makeClient(dataDir: string, { name, logins }: ClientDraft): Promise<void> {
  const layout = vaultLayout(dataDir, name);
  if (!existsSync(layout.folder)) await createVault(dataDir, name);
  const own = logins.get(name);
  const others = [...logins].filter(([user]) => user !== name).map(([user, secret]) => `${user}:${secret}`);
  if (own === undefined) await rm(layout.secretFile, { force: true });
  else await writeSecret(layout.secretFile, Buffer.from(own, 'latin1'));
  if (others.length === 0) await rm(layout.loginsFile, { force: true });
  else await writeSecret(layout.loginsFile, Buffer.from(others.join('\n'), 'latin1'));
}

async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.new`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
