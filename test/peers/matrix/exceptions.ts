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
    about: /\b(a-hard-4|links\/hard-[12]|links\/sub\/hard-3)\b|only: +(Number of|Total)/,
  },
  {
    reason:
      'stock leaves a symlink where the client has a directory, and then writes and deletes through it; no symlink is followed here, and the client hears so (push/blocked.ts)',
    applies: (of) => has(of, '--ignore-existing') && !has(of, '--no-links', '-r'),
    about: /links\/(to-directory|sub)\b|^exit code 23, stock 0$|only: +(Number of|Total)/,
  },
  {
    reason: 'both ends of stock say it, and so does a client that hears nothing from the other end',
    applies: (of) => of.protocol < 30,
    about: /requires protocol (29|30) or higher/,
  },
  {
    reason: 'before protocol 30 a client does not say --no-implied-dirs, and stock ends with other words',
    applies: (of) => of.protocol < 30 && has(of, '--no-implied-dirs'),
    about: /invalid path from|nightdrop only: +deep\//,
  },
  {
    reason: 'stock copies the extended attributes of a symlink from elsewhere only by the push after',
    applies: (of) => [...of.base.args, ...of.extra.args].some((arg) => /^--(copy|link|compare)-dest=/.test(arg)),
    about: /\bxattrs\/symlink\b/,
  },
  {
    reason: 'before protocol 30 warnings are no messages of their own; over ssh stock has its standard error for them',
    applies: (of) => of.protocol < 30 && of.transport === 'stdio',
    about: /WARNING: |Deletions stopped due to --max-delete limit/,
  },
  {
    reason:
      'stock keeps a beginning that the client does not have; here the file comes whole (docs/options.md, "Appending")',
    applies: (of) => has(of, '--append') && of.protocol >= 30,
    about: /^\S+: content differs/,
  },
  {
    reason:
      'over a remote shell stock takes /first for a folder of the machine, which is not there; here the vault is all there is',
    applies: (of) => of.transport === 'stdio' && has(of, '--link-dest=/first'),
    about: /./,
  },
  {
    reason: 'over a remote shell stock says where on the machine that is; here the vault is all there is',
    applies: (of) => of.transport === 'stdio' && has(of, '--link-dest=.'),
    about: /--link-dest arg does not exist: \/?new\/\.$/,
  },
  {
    reason: 'with -vv stock names a link twice whose leader was copied from elsewhere',
    applies: (of) => of.extra.args.some((arg) => arg.startsWith('--copy-dest=')),
    about: /^stdout, stock only: .* => /,
  },
  {
    reason:
      'no incremental recursion where the client removes what is stored (docs/options.md, "Removal at the client")',
    applies: (of) => has(of, '--remove-source-files'),
    about: /only: +(building file list \.\.\. done|sending incremental file list)$/,
  },
  {
    reason: 'the same in a dry run: stock ends, and here nothing is missed where nothing is made',
    applies: (of) => of.protocol < 30 && has(of, '--no-implied-dirs') && of.output.args.some((arg) => /^-n/.test(arg)),
    about: /^exit code \d+, stock 12$|nightdrop only: /,
  },
  {
    reason: 'with incremental recursion stock makes the backup directory when the time of the root is set already',
    applies: (of) => of.extra.args.some((arg) => arg.startsWith('--backup-dir=')) && of.recursion === 'incremental',
    about: /^stdout, stock only: +(\.d\.\.t\.+ )?\.\/$/,
  },
];

/** What is left of the differences of one push. */
export function unexpected(of: MatrixCase, differences: string[]): string[] {
  const holding = exceptions.filter(({ applies }) => applies(of));
  return differences.filter((line) => !holding.some(({ about }) => about.test(line)));
}
