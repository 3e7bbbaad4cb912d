/** What the schema of the settings cannot tell by itself. */
import { readFileSync } from 'node:fs';
import { ConfigError } from '../config/load.ts';
import { lineOf } from '../config/locate.ts';
import type { Settings } from '../config/settings.ts';
import { nearest } from '../config/suggest.ts';
import { fromText, printable } from '../lib/names.ts';
import { OPTION_NAMES } from '../rsync/option-names.ts';
import { OptionRefusals } from '../rsync/option-refusals.ts';

/** @throws ConfigError naming words of refuse_options that are no options of rsync */
export function checkRefuseOptions(settings: Settings, file: string): void {
  const tables: [path: string[], words: string[]][] = [
    [['defaults'], settings.defaults.refuseOptions],
    ...Object.entries(settings.vaults).map(([name, { refuseOptions = [] }]): [string[], string[]] => [
      ['vaults', name],
      refuseOptions,
    ]),
  ];
  const mistakes = tables.flatMap(([path, words]) =>
    OptionRefusals.unknown(words).map((word) => mistake(file, [...path, 'refuse_options'], word)),
  );
  if (mistakes.length > 0) throw new ConfigError(mistakes.join('\n'));
}

function mistake(file: string, path: string[], word: string): string {
  const meant = nearest(
    word.replace(/^!?-*/, ''),
    OPTION_NAMES.flatMap(({ long }) => long || []),
  );
  const line = lineOf(readFileSync(file, 'utf8'), path) ?? 1;
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `${file}:${line}: ${printable(path.join('.'))}: ${printable(fromText(word))} is no option of rsync${hint}`;
}
