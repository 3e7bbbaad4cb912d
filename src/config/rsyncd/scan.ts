/**
 * The lines of an rsyncd.conf, by stock rsyncd's rules (rsyncd.conf(5), "FILE FORMAT"): what begins with # or ; is a comment;
 * a backslash at the end of a line goes on with the next, but not of a comment; of a name only the letters count.
 */

export type Statement =
  | { kind: 'section'; line: number; name: string }
  /** `name` as it stands there, with single blanks */
  | { kind: 'parameter'; line: number; name: string; value: string }
  /** `name` with its &, in lower case */
  | { kind: 'directive'; line: number; name: string; value: string }
  /** no equals sign: stock passes it over */
  | { kind: 'stray'; line: number; text: string }
  /** stock rsyncd does not start with this in its configuration */
  | { kind: 'broken'; line: number; reason: string };

/** @param text latin1-tagged. Ends with the first broken statement. */
export function scan(text: string): Statement[] {
  const statements: Statement[] = [];
  const lines = new Lines(text);
  for (;;) {
    const start = lines.next();
    if (start === undefined) return statements;
    // a backslash that begins a statement is passed over
    const content = start.replace(/^[\s\\]+/, '');
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue;
    const statement = readStatement(content, lines);
    statements.push(statement);
    if (statement.kind === 'broken') return statements;
  }
}

class Lines {
  /** 1-based number of the line that was given last */
  number = 0;
  private readonly lines: string[];

  constructor(text: string) {
    this.lines = text.split('\n');
  }

  next(): string | undefined {
    return this.number < this.lines.length ? this.lines[this.number++] : undefined;
  }
}

function readStatement(content: string, lines: Lines): Statement {
  const line = lines.number;
  if (content.startsWith('[')) return readSection(content.slice(1), line, lines);
  const separator = content.startsWith('&') ? /[=\t ]/ : /=/;
  const read = readUntil(content, separator, lines);
  if (read === undefined) return { kind: 'stray', line, text: squeeze(content) };
  const name = squeeze(read.before);
  if (name === '') return { kind: 'broken', line, reason: 'a parameter without a name' };
  if (!content.startsWith('&')) return { kind: 'parameter', line, name, value: readValue(read.after, lines) };
  const value = readValue(read.after.replace(/^\s*=/, ''), lines);
  return { kind: 'directive', line, name: name.toLowerCase(), value };
}

function readSection(content: string, line: number, lines: Lines): Statement {
  const read = readUntil(content, /\]/, lines);
  if (read === undefined) return { kind: 'broken', line, reason: 'the name of a module has no ] after it' };
  const name = squeeze(read.before);
  if (name === '') return { kind: 'broken', line, reason: 'a module without a name' };
  return { kind: 'section', line, name };
}

/** What stands before and after the separator, on this line or on those it goes on with. */
function readUntil(content: string, separator: RegExp, lines: Lines): { before: string; after: string } | undefined {
  let text = content;
  for (;;) {
    const at = text.search(separator);
    if (at >= 0) return { before: text.slice(0, at), after: text.slice(at + 1) };
    const continued = continuation(text);
    const next = continued === undefined ? undefined : lines.next();
    if (continued === undefined || next === undefined) return undefined;
    text = continued + next;
  }
}

/** To the end of the line, or of those it goes on with; blanks inside are kept. */
function readValue(start: string, lines: Lines): string {
  let text = start.replaceAll('\r', '').trimStart();
  for (;;) {
    const continued = continuation(text);
    if (continued === undefined) return text.trimEnd();
    text = continued + (lines.next() ?? '').replaceAll('\r', '');
  }
}

/** What stands before the backslash that ends the line, if one does. */
function continuation(text: string): string | undefined {
  return /^([\s\S]*)\\\s*$/.exec(text)?.[1];
}

function squeeze(name: string): string {
  return name.replace(/\s+/g, ' ').trim();
}
