import { MessageTag } from '../rsync/mux.ts';
import type { PushSession } from './session.ts';

type Speaker = Pick<PushSession, 'output'>;

/**
 * Lines that a stock client prints as the server's. Names in them are latin1-tagged bytes, as they came: the client knows
 * what its user's terminal can show.
 */
export function infoMessage(session: Speaker, line: string): void {
  session.output.message(MessageTag.info, session.output.text(`${line}\n`));
}

export function warningMessage(session: Speaker, line: string): void {
  session.output.message(MessageTag.warning, session.output.text(`${line}\n`));
}

/** Something could not be stored: the client goes on and exits with 23. */
export function errorMessage(session: Speaker, line: string): void {
  session.output.message(MessageTag.errorXfer, session.output.text(`${line}\n`));
}

/** Something is wrong, but not with what is stored: the client's exit code stays what it is. */
export function errorNotice(session: Speaker, line: string): void {
  session.output.message(MessageTag.error, session.output.text(`${line}\n`));
}

/** Empty frames: while a stock client writes a file it looks at what has come once that is more than 512 bytes. */
const PADDING_FRAMES = 160;

/** What ends the push: the client prints it and exits with `code` (protocol 31 and later; older ones exit with 12). */
export function fatalMessage(output: Speaker['output'], line: string, code: number, protocol: number): void {
  output.message(MessageTag.error, Buffer.from(`${line}\n`, 'utf8'));
  if (protocol < 31) return;
  const payload = Buffer.alloc(4);
  payload.writeInt32LE(code);
  output.message(MessageTag.errorExit, payload);
  for (let i = 0; i < PADDING_FRAMES; i++) output.message(MessageTag.noop, Buffer.alloc(0));
}

/** With -vv, where the server may say so much: whether only differences are asked for. */
export function tellDelta({ output, options }: Speaker & Pick<PushSession, 'options'>): void {
  infoMessage(
    { output },
    `delta-transmission ${options.wholeFile ? 'disabled for local transfer or --whole-file' : 'enabled'}`,
  );
}
