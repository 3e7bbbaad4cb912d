/** The arguments a client sends after '@RSYNCD: OK' (docs/protocol.md, "Arguments"). */
import { ProtocolError } from '../lib/errors.ts';
import type { ByteReader } from './bytes.ts';

const MOST_ARGUMENTS = 10_000;
const MOST_BYTES = 1 << 20;
const NO_STOP = '(null)';

/**
 * Reads the list: each argument ended by NUL (protocol 30 and later) or newline, an empty one ends it. With -s the list
 * stops after the option letters, and a second one follows, always NUL-ended, with 'rsync' in front of the rest. (Before
 * protocol 30 a client does not stop: it says '(null)', and goes on with what it says again in the second list.) One
 * argument is a message of its own, so nothing is scanned twice.
 */
export class ArgumentsDecoder {
  private terminator: number;
  private readonly first: string[];
  /** whether destinations stand as the client means them: outside the daemon's conversation it guards none */
  private readonly unguarded: boolean;
  /** the second list, undefined until the first has asked for one */
  private second: string[] | undefined;
  private bytes = 0;
  private count = 0;
  /** bytes from the reader's position that hold no terminator */
  private scanned = 0;

  /** @param begun the first list where it came with a command (ssh) and asks for the second, which is read then */
  constructor(protocol: number, begun?: string[]) {
    this.terminator = protocol >= 30 || begun !== undefined ? 0 : 0x0a;
    this.first = begun ?? [];
    this.second = begun === undefined ? undefined : [];
    this.unguarded = begun !== undefined;
  }

  /**
   * Reads one argument; the complete list when that was the last, undefined before. latin1-tagged.
   *
   * @throws NEED_MORE, ProtocolError when there are too many
   */
  read(reader: ByteReader): string[] | undefined {
    const argument = this.next(reader);
    if (argument !== '') {
      (this.second ?? this.first).push(argument);
      return undefined;
    }
    if (this.second !== undefined) return this.secluded(this.second);
    if (!asksForSecond(this.first)) return this.plain();
    this.second = [];
    this.terminator = 0;
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
    if (length > 0 && ++this.count > MOST_ARGUMENTS)
      throw new ProtocolError(`there are more than ${MOST_ARGUMENTS} arguments`);
    this.scanned = 0;
    this.bytes += length + 1;
    const argument = reader.latin1(length);
    reader.u8();
    return argument;
  }

  /**
   * Clients from 3.2.5 on put a backslash before what a shell would take for its own, in values of options, and count on
   * the server to take it away; destinations come as they are.
   */
  private plain(): string[] {
    const { first } = this;
    const dot = first.indexOf('.');
    const options = dot < 0 ? first.length : dot;
    return first.map((argument, i) => (i < options ? argument.replace(/\\([\s\S])/g, '$1') : unsplit(argument)));
  }

  private secluded(second: string[]): string[] {
    const rest = second[0] === 'rsync' ? second.slice(1) : second;
    if (this.unguarded) return [...this.first, ...rest];
    const dot = rest.indexOf('.');
    const stop = this.first.indexOf(NO_STOP);
    const letters = stop < 0 ? this.first : this.first.slice(0, stop);
    return [...letters, ...rest.map((argument, i) => (dot >= 0 && i > dot ? unsplit(argument) : argument))];
  }
}

/**
 * Stock servers split a destination at ' MODULE/'. Clients that do not mean that write the blank as '[ ]', which their
 * servers match as a pattern.
 */
function unsplit(path: string): string {
  const module = path.split('/', 1)[0];
  return module === '' ? path : path.replaceAll(`[ ]${module}/`, ` ${module}/`);
}

/** `s` among the bundled letters, in front of `e` with its own. */
export function asksForSecond(args: string[]): boolean {
  for (const argument of args) {
    if (argument === '.') return false;
    if (/^-[^-eB@M]*s/.test(argument) || argument === '--secluded-args' || argument === '--protect-args') return true;
  }
  return false;
}
