/** Whether one of the directories is above `path`. The time it takes is that of the path's depth, however many there are. */
export function isBelowAny(directories: ReadonlySet<string>, path: string): boolean {
  if (directories.size === 0) return false;
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    if (directories.has(path.slice(0, at))) return true;
  return false;
}
