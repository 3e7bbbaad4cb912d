/** A tree too large for one string (a directory of a million entries has some 400 MB of JSON), cut between its nodes. */

/** Trees up to this are parsed at once. */
const PIECE_BYTES = 32 << 20;

const [QUOTE, BACKSLASH, COMMA, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = Buffer.from('"\\,{}[]');

/** Depth of a comma between two nodes: inside the outer object and the list. */
const NODE_DEPTH = 2;

/**
 * The tree as JSON texts of the form `{"nodes":[…]}` of about `pieceBytes` each; itself, when it is not larger. Only
 * cuts: whether a piece is JSON, its parser finds out.
 */
export function* treePieces(plain: Buffer, pieceBytes: number = PIECE_BYTES): Generator<Buffer> {
  if (plain.length <= pieceBytes) {
    yield plain;
    return;
  }
  const head = Buffer.from('{"nodes":[');
  const tail = Buffer.from(']}');
  if (!plain.subarray(0, head.length).equals(head)) throw new TypeError('a tree does not begin with its nodes');
  let start = head.length;
  for (const comma of nodeCommas(plain)) {
    if (comma - start < pieceBytes) continue;
    yield Buffer.concat([head, plain.subarray(start, comma), tail]);
    start = comma + 1;
  }
  yield Buffer.concat([head, plain.subarray(start)]);
}

/** Positions of the commas between nodes. */
function* nodeCommas(json: Buffer): Generator<number> {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) at = stringEnd(json, at);
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
    else if (byte === COMMA && depth === NODE_DEPTH) yield at;
  }
}

/** Position of the quote that ends the string whose first quote is at `from`. */
function stringEnd(json: Buffer, from: number): number {
  for (let at = json.indexOf(QUOTE, from + 1); at !== -1; at = json.indexOf(QUOTE, at + 1)) {
    let slashes = 0;
    while (json[at - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
  }
  throw new TypeError('a string in a tree does not end');
}
