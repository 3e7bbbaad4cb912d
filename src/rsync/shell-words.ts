/**
 * The words of a command line, as a POSIX shell would hand them to a program (docs/protocol.md, "Over ssh"): quotes and
 * backslashes are read, and nothing is ever carried out or looked up. Wildcards stand for themselves.
 */
import { RefusedError, RsyncExit } from '../lib/errors.ts';

const MOST_WORDS = 10_000;
const LONGEST_COMMAND = 1 << 20;

/** What makes a shell do more than pass words on. */
const OPERATORS = ';&|<>()`$\n';
const BLANKS = ' \t';

/** @param command latin1-tagged @throws RefusedError (exit code 1) for a command that asks for more than words */
export function splitWords(command: string): string[] {
  if (command.length > LONGEST_COMMAND) throw refused('the command is too long');
  const words: string[] = [];
  const reader = new WordReader(command);
  for (;;) {
    const word = reader.next();
    if (word === undefined) return words;
    if (words.length === MOST_WORDS) throw refused(`the command has more than ${MOST_WORDS} words`);
    words.push(word);
  }
}

class WordReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  next(): string | undefined {
    const { text } = this;
    for (;;) {
      if (BLANKS.includes(text[this.at] ?? '-')) this.at++;
      else if (text.startsWith('\\\n', this.at)) this.at += 2;
      else break;
    }
    if (this.isOver()) return undefined;
    if (text[this.at] === '#') throw refused('the command holds a comment');
    let word = this.home();
    for (;;) {
      const c = text[this.at];
      if (c === undefined || BLANKS.includes(c) || (c === '\n' && this.isOver())) return word;
      word += this.piece(c);
    }
  }

  /** Line breaks at the end are no more than its end. */
  private isOver(): boolean {
    return /^[ \t\n]*$/.test(this.text.slice(this.at));
  }

  /** `~` at the front of a word means the account's home directory, where stock relative paths begin, too. */
  private home(): string {
    if (!/^~(?:\\\n)*(?:[/ \t\n]|$)/.test(this.text.slice(this.at))) return '';
    this.at++;
    return '.';
  }

  /** What begins at the cursor with `c`, without what quotes it. */
  private piece(c: string): string {
    this.at++;
    if (c === '\\') return this.escaped();
    if (c === "'") return this.until("'");
    if (c === '"') return this.doubleQuoted();
    if (OPERATORS.includes(c)) throw meaningful(c);
    return c;
  }

  private escaped(): string {
    const c = this.text[this.at];
    if (c === undefined) return '\\';
    this.at++;
    return c === '\n' ? '' : c;
  }

  private until(quote: string): string {
    const end = this.text.indexOf(quote, this.at);
    if (end < 0) throw refused('a quote in the command is not closed');
    const inside = this.text.slice(this.at, end);
    this.at = end + 1;
    return inside;
  }

  private doubleQuoted(): string {
    let inside = '';
    for (;;) {
      const c = this.text[this.at++];
      if (c === undefined) throw refused('a quote in the command is not closed');
      if (c === '"') return inside;
      if (c === '`' || c === '$') throw meaningful(c);
      inside += c === '\\' ? this.escapedInQuotes() : c;
    }
  }

  /** In double quotes a backslash counts only before what would mean something there. */
  private escapedInQuotes(): string {
    const c = this.text[this.at] ?? '';
    if (c === '' || !'$`"\\\n'.includes(c)) return '\\';
    this.at++;
    return c === '\n' ? '' : c;
  }
}

function meaningful(c: string): RefusedError {
  return refused(`the command holds ${c === '\n' ? 'a line break' : c}, which means something to a shell only`);
}

function refused(message: string): RefusedError {
  return new RefusedError(message, { rsyncExit: RsyncExit.syntax });
}
