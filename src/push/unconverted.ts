import { IO_ERROR_GENERAL } from '../rsync/flist-flags.ts';
import { MessageTag } from '../rsync/mux.ts';
import { errorMessage } from './messages.ts';
import type { PushSession } from './session.ts';

const WHY = '(Invalid or incomplete multibyte or wide character)';

/**
 * --iconv: an entry that has no name, or no target, in the character set of the vault is left out; nothing is deleted
 * then, and the client exits with 23.
 *
 * @param path of a name as it came, in UTF-8; of a target the converted one
 */
export function tellUnconverted(session: PushSession, kind: 'name' | 'target', path: string): void {
  session.ioError |= IO_ERROR_GENERAL;
  session.counts.failed++;
  if (kind === 'target') {
    const [module] = session.options.path.split('/', 1);
    errorMessage(session, `[Receiver] cannot convert symlink data for: "/${path}" (in ${module}) ${WHY}`);
    return;
  }
  const line = Buffer.from(`[Receiver] cannot convert filename: ${path} ${WHY}\n`, 'latin1');
  session.output.message(MessageTag.errorXfer, line);
}
