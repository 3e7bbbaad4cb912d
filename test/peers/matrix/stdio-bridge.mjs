// Standard input and output over to the matrix: PORT MODULE COMMAND. Plain JavaScript, for it starts once per push.
import { connect } from 'node:net';

const [port, module, command] = process.argv.slice(2);

/** A connection that begins with texts, each behind its length. */
function dial(...texts) {
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
  socket.setNoDelay(true);
  for (const text of texts) {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeInt32LE(bytes.length);
    socket.write(length);
    socket.write(bytes);
  }
  socket.on('error', () => undefined);
  return socket;
}

// what goes to standard error, and last the exit code, has a connection of its own
const words = dial('words', String(process.pid));
let said = '';
words.setEncoding('latin1');
words.on('data', (piece) => {
  said += piece;
});
words.on('end', () => {
  const end = said.lastIndexOf('\0');
  process.stderr.write(Buffer.from(said.slice(0, Math.max(0, end)), 'latin1'), () =>
    process.exit(end < 0 ? 12 : Number(said.slice(end + 1))),
  );
});

const data = dial('data', String(process.pid), module, command);
process.stdin.pipe(data);
data.pipe(process.stdout);
process.stdin.on('error', () => undefined);
process.stdout.on('error', () => undefined);
