import type { MatrixCase } from './cases.ts';

/** Where a push into nightdrop is meant to end otherwise than into stock rsyncd. */
interface Exception {
  reason: string;
  applies: (of: MatrixCase) => boolean;
  /** differences that are left out, by what they say: a path first, or a line of output */
  about: RegExp;
}

const hasWhere = (of: MatrixCase, holds: (option: string) => boolean): boolean =>
  [...of.base.args, ...of.extra.args].some(holds);
const has = (of: MatrixCase, ...options: string[]): boolean => hasWhere(of, (option) => options.includes(option));
const hasLike = (of: MatrixCase, pattern: RegExp): boolean => hasWhere(of, (option) => pattern.test(option));

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
    about: /links\/(to-directory|sub)\b|^exit code 23, stock (0|25)$|only: +(Number of|Total)/,
  },
  {
    reason: 'both ends of stock say it, and so does a client that hears nothing from the other end',
    applies: (of) => of.protocol < 30,
    about: /requires protocol (29|30) or higher/,
  },
  {
    reason: 'before protocol 30 a client does not say --no-implied-dirs: stock ends too, later and with other words',
    applies: (of) => of.protocol < 30 && has(of, '--no-implied-dirs'),
    about: /invalid path from|nightdrop only: +(cd\S+ )?deep\/|^names\/.*: only in \S+restored-/,
  },
  {
    reason: 'stock copies the extended attributes of a symlink from elsewhere only by the push after',
    applies: (of) => hasLike(of, /^--(copy|link|compare)-dest=/),
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
    applies: (of) => of.transport === 'stdio',
    about: /-dest arg does not exist: /,
  },
  {
    reason: 'stock gives the backups that it copies before it writes in place the first ACL of the transfer, or none',
    applies: (of) => has(of, '--inplace') && has(of, '-b'),
    about: /^(old\/deeper\/)?acls\/\S*(~|\.was|\.old): xattrs /,
  },
  {
    reason:
      'at protocol 29, and where it deletes before or after, stock says what it leaves out when it has named the directory',
    applies: (of) => (of.protocol === 29 || hasLike(of, /^--delete-(before|after)$/)) && has(of, '--safe-links'),
    about: /^stdout, another order from .*ignoring unsafe symlink/,
  },
  {
    reason: 'stock takes a directory that it has just made for one that was found elsewhere',
    applies: (of) => has(of, '--link-dest=.'),
    about: /only: +(Number of created files: |cd\S+ \S+\/)/,
  },
  {
    reason: 'stock has a file removed when it knows it to be unchanged, and only then asks for its long attributes',
    applies: (of) => has(of, '--remove-source-files'),
    about:
      /^exit code 0, stock 23$|stock only: +.*(failed to re-read xattr|get_xattr_data)|^xattrs\/(edge|long): xattrs/,
  },
  {
    reason:
      'without -p stock gives a file that it copies from elsewhere the mode of the symlink that was in its place, less x with -E',
    applies: (of) => hasLike(of, /^--copy-dest=/),
    about: /: mode 100\d+ in \S+, 100(777|666) in /,
  },
  {
    reason: 'stock has read what is there for -c, sets its time of access again, and names it as changed',
    applies: (of) => has(of, '-U') && has(of, '-c'),
    about: /^stdout, (nightdrop|stock) only: /,
  },
  {
    reason: 'what a stock receiver says of its file list to those who look for errors in it',
    applies: (of) => of.transport === 'stdio',
    about: /stock only: +removing duplicate name /,
  },
  {
    reason: 'in a chroot a stock daemon knows no names, and leaves entries of ACLs as they are that come without one',
    applies: (of) => of.transport === 'tcp' && of.protocol >= 30 && hasLike(of, /^--(chown|usermap)=/),
    about: /^acls\/\S+: xattrs system\.posix_acl/,
  },
  {
    reason: 'stock itself fails: it appends to what was found elsewhere, and to what -S left shorter than it is',
    applies: (of) =>
      has(of, '--append', '--append-verify') &&
      (has(of, '-y', '-S', '--sparse') || of.base.name.startsWith('-aHAXS') || of.extra.firstTo !== undefined),
    about: /./,
  },
  {
    reason:
      'before protocol 30 --append verifies, and where that fails and there is a backup stock does not send the file again',
    applies: (of) => of.protocol < 30 && has(of, '--append') && has(of, '-b'),
    about: /^exit code 0, stock 23$|stock only: +ERROR: \S+ failed verification|^sizes\/text-3M: mtime /,
  },
  {
    reason: 'with -vv stock names a link twice whose leader was copied from elsewhere',
    applies: (of) => hasLike(of, /^--copy-dest=/),
    about: /^stdout, stock only: .* => /,
  },
  {
    reason:
      'no incremental recursion where the client removes what is stored (docs/options.md, "Removal at the client")',
    applies: (of) => has(of, '--remove-source-files'),
    about: /only: +(building file list \.\.\.|\d+ files|sending incremental file list)/,
  },
  {
    reason: 'the same in a dry run: stock ends, and here nothing is missed where nothing is made',
    applies: (of) => of.protocol < 30 && has(of, '--no-implied-dirs') && of.output.args.some((arg) => /^-n/.test(arg)),
    about: /^exit code \d+, stock 12$|nightdrop only: /,
  },
  {
    reason:
      'hard links are told when what they are linked to is in place, and by name alone nobody can tell them from files',
    applies: (of) => hasLike(of, /^-[a-zA-Z]*H/) && of.output.args.some((arg) => /^--out-format=%o.%f$/.test(arg)),
    about: /^stdout, another order /,
  },
  {
    reason: 'with incremental recursion stock makes the backup directory when the time of the root is set already',
    applies: (of) => hasLike(of, /^--backup-dir=/) && of.recursion === 'incremental',
    about: /^stdout, stock only: +(\.d\.\.t\.+ )?\.\/( |$)/,
  },
];

/** What is left of the differences of one push. */
export function unexpected(of: MatrixCase, differences: string[]): string[] {
  const holding = exceptions.filter(({ applies }) => applies(of));
  return differences.filter((line) => !holding.some(({ about }) => about.test(line)));
}
