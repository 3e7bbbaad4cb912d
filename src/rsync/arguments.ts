/** The arguments a client sends after '@RSYNCD: OK' (docs/protocol.md, "Arguments"). */
import { ProtocolError } from '../lib/errors.ts';
import type { ByteReader } from './bytes.ts';

const MOST_ARGUMENTS = 10_000;
const MOST_BYTES = 1 << 20;

/**
 * Reads the list: each argument ended by NUL (protocol 30 and later) or newline, an empty one ends it. With -s a second
 * list, always NUL-ended, replaces the first. One argument is a message of its own, so nothing is scanned twice.
 */
export class ArgumentsDecoder {
  private terminator: number;
  private readonly args: string[] = [];
  private bytes = 0;
  private secluded = false;
  /** where the search for the next terminator goes on, from the reader's position */
  private scanned = 0;

  constructor(protocol: number) {
    this.terminator = protocol >= 30 ? 0 : 0x0a;
  }

  /** Reads one argument; the complete list when that was the last, undefined before. */
  read(reader: ByteReader): string[] | undefined {
    const argument = this.next(reader);
    if (argument !== '') {
      this.args.push(argument);
      return undefined;
    }
    if (this.secluded || !asksForSecluded(this.args)) return this.finish();
    this.secluded = true;
    this.terminator = 0;
    this.args.length = 0;
    return undefined;
  }

  private next(reader: ByteReader): string {
    const from = reader.position;
    const found = reader.bytes.subarray(from + this.scanned, reader.end).indexOf(this.terminator);
    const length = found < 0 ? reader.available : this.scanned + found;
    if (this.bytes + length > MOST_BYTES) throw new ProtocolError(`the arguments are longer than ${MOST_BYTES} bytes`);
    if (found < 0) {
      this.scanned = length;
      // asks for one byte more than there is
      reader.view(length + 1);
    }
    if (this.args.length >= MOST_ARGUMENTS) throw new ProtocolError(`there are more than ${MOST_ARGUMENTS} arguments`);
    this.scanned = 0;
    this.bytes += length + 1;
    const argument = reader.latin1(length);
    reader.u8();
    return argument;
  }

  /** Newer clients put a backslash before what a shell would take for its own; -s sends arguments as they are. */
  private finish(): string[] {
    if (this.secluded) return this.args[0] === 'rsync' ? this.args.slice(1) : this.args;
    const paths = this.args.indexOf('.');
    return this.args.map((argument, i) => (paths >= 0 && i > paths ? argument.replace(/\\([\s\S])/g, '$1') : argument));
  }
}

function asksForSecluded(args: string[]): boolean {
  for (const argument of args) {
    if (argument === '.') return false;
    if (/^-[^-e]*s/.test(argument) || argument === '--secluded-args' || argument === '--protect-args') return true;
  }
  return false;
}
