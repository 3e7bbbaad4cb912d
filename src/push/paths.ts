/** Paths inside a vault: latin1-tagged bytes, components joined by '/', '' is the module's root. */

export function dirName(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(directory: string, name: string): string {
  if (name === '' || name === '.') return directory;
  return directory === '' ? name : `${directory}/${name}`;
}
