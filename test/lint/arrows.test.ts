import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { projectFolder } from '../support/nightdrop.ts';

/**
 * Which room may import from which: cli → server → push, restore → vault → repository → kernels, and push → rsync →
 * kernels. rsync and repository do not know each other. Arrows may skip rooms on the way down; lib is open to all.
 */
const allowed: Record<string, string[]> = {
  cli: ['server', 'push', 'restore', 'vault', 'repository', 'rsync', 'kernels', 'config'],
  server: ['push', 'restore', 'vault', 'repository', 'rsync', 'kernels', 'config'],
  config: [],
  push: ['vault', 'repository', 'rsync', 'kernels'],
  restore: ['vault', 'repository', 'kernels'],
  vault: ['repository', 'kernels'],
  repository: ['kernels'],
  rsync: ['kernels'],
  kernels: [],
  lib: [],
};

/** Types alone may also come from here: config describes what the vault and the push are told. */
const allowedTypes: Record<string, string[]> = {
  config: ['vault', 'push', 'server', 'rsync'],
};

interface Import {
  file: string;
  from: string;
  to: string;
  typeOnly: boolean;
}

const source = path.join(projectFolder, 'src');

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* sourceFiles(full);
    else if (entry.name.endsWith('.ts')) yield full;
  }
}

const roomOf = (file: string): string => path.relative(source, file).split(path.sep)[0];

/** Static, dynamic and worker imports of files of the project. */
function* importsOf(file: string): Generator<Import> {
  const text = readFileSync(file, 'utf8');
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s(type\s)?[^'";]*?from\s+'(\.[^']+)'|(?:import\(|new URL\()'(\.[^']+)'/g;
  for (const found of text.matchAll(pattern)) {
    const target = path.resolve(path.dirname(file), found[2] ?? found[3]);
    if (!target.startsWith(`${source}${path.sep}`)) continue;
    const typeOnly = found[1] !== undefined;
    yield { file: path.relative(projectFolder, file), from: roomOf(file), to: roomOf(target), typeOnly };
  }
}

function isAllowed({ from, to, typeOnly }: Import): boolean {
  if (from === to || to === 'lib') return true;
  return (allowed[from]?.includes(to) ?? false) || (typeOnly && (allowedTypes[from]?.includes(to) ?? false));
}

test('imports between rooms go down only', () => {
  const wrong: string[] = [];
  for (const file of sourceFiles(source)) {
    for (const found of importsOf(file)) {
      if (!isAllowed(found)) wrong.push(`${found.file} imports ${found.typeOnly ? 'types ' : ''}from ${found.to}/`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('every room of src/ has its place in the arrows', () => {
  const rooms = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(
    rooms.map((entry) => entry.name).filter((name) => !(name in allowed)),
    [],
  );
});
