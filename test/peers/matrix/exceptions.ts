import type { MatrixCase } from './cases.ts';

/** Where a push into nightdrop is meant to end otherwise than into stock rsyncd. */
interface Exception {
  reason: string;
  applies: (of: MatrixCase) => boolean;
  /** differences that are left out, by what they say: a path first, or a line of output */
  about: RegExp;
}

const has = (of: MatrixCase, ...options: string[]): boolean =>
  [...of.base.args, ...of.extra.args].some((arg) => options.includes(arg));

const exceptions: Exception[] = [
  {
    reason:
      'stock writes through hard links of yesterday (docs/options.md, --inplace): a file that left its group changes them',
    applies: (of) => has(of, '--inplace'),
    about: /\b(a-hard-4|links\/hard-[12]|links\/sub\/hard-3)\b/,
  },
];

/** What is left of the differences of one push. */
export function unexpected(of: MatrixCase, differences: string[]): string[] {
  const holding = exceptions.filter(({ applies }) => applies(of));
  return differences.filter((line) => !holding.some(({ about }) => about.test(line)));
}
