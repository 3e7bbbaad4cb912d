/**
 * Whether a symlink may lead out of the transfer (rsync(1), --safe-links): it is absolute, climbs above the root from where
 * it lies, or climbs elsewhere than at its beginning, where a symlink on its way could lead it astray.
 *
 * @param path of the link below the root of the transfer
 */
export function isUnsafeLink(target: string, path: string): boolean {
  if (target === '' || target.startsWith('/')) return true;
  const [climb] = /^(?:\.\.\/+)*/.exec(target)!;
  const rest = target.slice(climb.length);
  if (rest.includes('/../') || (target.length > 3 && target.endsWith('/..'))) return true;
  const steps = climb.split('..').length - 1 + (rest === '..' ? 1 : 0);
  return steps > path.split('/').length - 1;
}
