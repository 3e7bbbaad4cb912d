/**
 * The line on which a key of a TOML text stands: 1-based; that of its table when the key itself is not found, undefined
 * when neither is. The parser keeps no positions, so this looks for what a person would look for.
 */
export function lineOf(toml: string, path: readonly string[]): number | undefined {
  let table: string[] = [];
  let best: { line: number; depth: number } | undefined;
  toml.split('\n').forEach((text, index) => {
    const header = /^\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}/.exec(text);
    const key = header
      ? undefined
      : /^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=/.exec(text);
    if (header) table = dottedKey(header[1]);
    if (!header && !key) return;
    const here = key ? [...table, ...dottedKey(key[1])] : table;
    const isPrefix = here.length <= path.length && here.every((part, i) => part === path[i]);
    if (isPrefix && here.length > (best?.depth ?? 0)) best = { line: index + 1, depth: here.length };
  });
  return best?.line;
}

/** 'vaults."a.b".umask' to its parts. */
function dottedKey(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)/g)].map((found) => found[1] ?? found[2] ?? found[3]);
}
