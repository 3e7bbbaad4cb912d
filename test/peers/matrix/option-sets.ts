/**
 * The options that pushes are made with, as people's backup scripts have them. One line is one set; the matrix takes a
 * base, an extra and an output together, so an extra is tried with many bases and all outputs in turn.
 */

export interface OptionSet {
  name: string;
  args: string[];
}

/** What of an object is carried. */
export const bases: OptionSet[] = [
  set('-a'),
  set('-aHAX'),
  set('-aHAXS --numeric-ids'),
  set('-rlt'),
  set('-r'),
  set('-rl'),
  set('-rlpt'),
  set('-rlptgoD --no-owner'),
  set('-aH'),
  set('-aA'),
  set('-aX'),
  set('-aAX --no-perms'),
  set('-aHAX --open-noatime -U'),
  set('-a --no-times'),
  set('-a --no-D'),
  set('-a --no-links'),
  set('-aHE --no-p'),
];

/** What the client is to print. */
export const outputs: OptionSet[] = [
  set('-i'),
  set('-ii --stats'),
  set('-v'),
  set('-vv'),
  set('--stats'),
  { name: 'silent', args: [] },
  set('-vi --stats'),
  set('-q'),
  set('-n -i'),
  set('-nvv --stats'),
  { name: 'out-format', args: ['--out-format=%i %n%L %l %M %U:%G %B'] },
  set('--out-format=%o~%f'),
  set('--info=name2,del,stats2,skip'),
  set('--info=all0,name1'),
  set('--info=progress2,nonreg0'),
  set('-vvi --info=flist0'),
  set('--progress'),
  set('--info=misc2,copy2,mount,remove,symsafe,backup'),
];

/** The set that a text is, by its name. */
export function set(text: string): OptionSet {
  return { name: text, args: words(text) };
}

/** The options of one text; a blank within one is written as ~. */
function words(text: string): string[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => word.replaceAll('~', ' '));
}
