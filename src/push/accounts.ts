import { readFileSync } from 'node:fs';
import type { OwnerKind } from '../rsync/id-list.ts';

const FILES: Record<OwnerKind, string> = { user: '/etc/passwd', group: '/etc/group' };

/**
 * The number of an account of this machine, as a stock receiver without a chroot would find it; undefined when there is
 * none. Only the two files are looked at: what a directory service knows is given by its number.
 *
 * @param name latin1-tagged
 */
export function accountNumber(kind: OwnerKind, name: string): number | undefined {
  let lines: string[];
  try {
    lines = readFileSync(FILES[kind], 'latin1').split('\n');
  } catch {
    // no accounts, no names
    return undefined;
  }
  for (const line of lines) {
    const [account, , id] = line.split(':', 3);
    if (account === name && /^\d{1,10}$/.test(id ?? '')) return Number(id);
  }
  return undefined;
}
