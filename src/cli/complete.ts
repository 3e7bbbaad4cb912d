/** What may stand at the cursor: candidates for the shell's completion, from the commands themselves. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Argument, Command, Option } from 'commander';
import { isVaultName } from '../vault/layout.ts';

const SHORT_ID = 8;

/** What the words before the cursor mean. */
interface Position {
  command: Command;
  /** positional arguments before the cursor */
  given: string[];
  /** the option whose value is at the cursor */
  pending: Option | undefined;
  data: string;
}

/** Candidates for the last of `words`, which begin after the program's name. None: let the shell offer files. */
export function candidates(program: Command, words: string[]): string[] {
  const word = words.at(-1) ?? '';
  const at = read(program, words.slice(0, -1));
  return atCursor(at, word).filter((candidate) => candidate.startsWith(word));
}

function read(program: Command, words: string[]): Position {
  const data = process.env.NIGHTDROP_DATA || 'nightdrop-data';
  const at: Position = { command: program, given: [], pending: undefined, data };
  for (const word of words) {
    if (at.pending !== undefined) {
      if (at.pending.long === '--data') at.data = word;
      at.pending = undefined;
    } else if (word.startsWith('-')) {
      const option = optionsOf(at.command).find(({ long, short }) => word === long || word === short);
      at.pending = option?.required ? option : undefined;
    } else {
      const sub = at.command.commands.find((command) => command.name() === word);
      if (sub === undefined) at.given.push(word);
      else at.command = sub;
    }
  }
  return at;
}

function atCursor(at: Position, word: string): string[] {
  if (at.pending !== undefined) return at.pending.argChoices ?? [];
  if (word.startsWith('-')) {
    return [...optionsOf(at.command).flatMap(({ long }) => long ?? []), '--help'];
  }
  if (at.command.commands.length > 0) return at.command.commands.map((command) => command.name());
  const argument = at.command.registeredArguments[at.given.length];
  return argument === undefined ? [] : values(argument, at);
}

function optionsOf(command: Command): Option[] {
  const own = command.options.filter(({ hidden }) => !hidden);
  return command.parent === null ? own : [...own, ...optionsOf(command.parent)];
}

function values(argument: Argument, { given, data }: Position): string[] {
  if (argument.argChoices !== undefined) return argument.argChoices;
  switch (argument.name()) {
    case 'name':
      return folder(path.join(data, 'vaults')).filter(isVaultName);
    case 'snapshot':
    case 'before':
    case 'after': {
      const ids = folder(path.join(data, 'vaults', given[0] ?? '', 'repository', 'snapshots'));
      return ['latest', ...ids.map((id) => id.slice(0, SHORT_ID))];
    }
    default:
      return [];
  }
}

function folder(at: string): string[] {
  try {
    return readdirSync(at).sort();
  } catch {
    return [];
  }
}
