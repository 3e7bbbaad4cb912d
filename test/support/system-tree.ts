import * as fs from 'node:fs';
import path from 'node:path';
import { runOk } from './run.ts';

/** Copies a folder of the running system, with all attributes: its smallest parts first, up to `limit` bytes. */
export async function copySystemTree(from: string, to: string, limit: number): Promise<void> {
  fs.mkdirSync(to, { recursive: true });
  const names = fs.readdirSync(from).map((name) => path.join(from, name));
  const { stdout } = await runOk('du', ['-sbx', '--', ...names]);
  const parts = stdout
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))
    .map(([size, part]) => ({ size: Number(size), part }))
    .sort((a, b) => a.size - b.size);
  let total = 0;
  const chosen = parts.filter(({ size }) => {
    total += size;
    return total <= limit;
  });
  await runOk('cp', ['-a', '--', ...chosen.map(({ part }) => part), to]);
}

/** A night on such a copy: every hundredth file edited, appended to, renamed, removed or touched; one directory renamed. */
export function changeSystemTree(root: string): void {
  let count = 0;
  const visit = (folder: string) => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory()) visit(full);
      else if (entry.isFile() && ++count % 100 === 0) changeFile(full, count / 100);
    }
  };
  visit(root);
  const [first] = fs.readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  fs.renameSync(path.join(root, first.name), path.join(root, `renamed-${first.name}`));
}

function changeFile(file: string, turn: number): void {
  const act = [
    () => fs.rmSync(file),
    () => fs.renameSync(file, `${file}.renamed`),
    () => fs.appendFileSync(file, 'one more line\n'),
    () => fs.writeFileSync(file, Buffer.concat([Buffer.from('one line before\n'), fs.readFileSync(file)])),
    () => fs.utimesSync(file, 1_690_000_000, 1_690_000_000 + turn),
  ][turn % 5];
  act();
}
