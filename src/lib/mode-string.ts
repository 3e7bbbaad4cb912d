import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from './stat.ts';

const TYPES: Record<number, string> = {
  [S_IFREG]: '-',
  [S_IFDIR]: 'd',
  [S_IFLNK]: 'l',
  [S_IFBLK]: 'b',
  [S_IFCHR]: 'c',
  [S_IFIFO]: 'p',
  [S_IFSOCK]: 's',
};

/** Type and permissions as ls(1) has them: -rwsr-xr-x */
export function modeString(mode: number): string {
  const bit = (mask: number, letter: string) => (mode & mask ? letter : '-');
  const execute = (mask: number, special: number, letter: string) => {
    if (!(mode & special)) return bit(mask, 'x');
    return mode & mask ? letter : letter.toUpperCase();
  };
  return [
    TYPES[mode & S_IFMT] ?? '?',
    bit(0o400, 'r'),
    bit(0o200, 'w'),
    execute(0o100, 0o4000, 's'),
    bit(0o040, 'r'),
    bit(0o020, 'w'),
    execute(0o010, 0o2000, 's'),
    bit(0o004, 'r'),
    bit(0o002, 'w'),
    execute(0o001, 0o1000, 't'),
  ].join('');
}
