import { modeString } from '../lib/mode-string.ts';
import { isDevice, isSymlink } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import { isPassed } from './directories.ts';
import { infoMessage } from './messages.ts';
import type { PushSession } from './session.ts';

const SIZE_WIDTH = 14;
const TIME_WIDTH = 20;

/** --list-only in a push: the client's own list, told to it line by line. Nothing of what is stored is looked at. */
export function listItem(session: PushSession, file: FileEntry): void {
  const { options } = session;
  if (isPassed(options, file)) return;
  const time = clock(file.mtime);
  const atime = options.atimes ? ` ${file.atime === undefined ? '' : clock(file.atime)}`.padStart(TIME_WIDTH) : '';
  if (file.mode === 0) {
    const width = 10 + 1 + SIZE_WIDTH + 2 * TIME_WIDTH * (options.atimes ? 1 : 0.5);
    infoMessage(session, `${'*missing'.padEnd(width)} ${file.path}`);
    return;
  }
  const size = isDevice(file.mode) ? 0 : file.size;
  const arrow = options.links && isSymlink(file.mode) ? ` -> ${file.target}` : '';
  infoMessage(
    session,
    `${modeString(file.mode)} ${size.toLocaleString('en-US').padStart(SIZE_WIDTH)} ${time}${atime} ${file.path}${arrow}`,
  );
}

/** By the server's clock, as a stock server would. */
function clock(seconds: number): string {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return ''.padEnd(TIME_WIDTH - 1);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${String(at.getFullYear()).padStart(4)}/${two(at.getMonth() + 1)}/${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
