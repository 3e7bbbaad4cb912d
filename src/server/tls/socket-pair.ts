/** Two sockets that are connected with each other, which Node cannot make (socketpair(2)). */
import { getSystemErrorMap } from 'node:util';
import koffi from 'koffi';
import { NightdropError } from '../../lib/errors.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
/** so that no other process inherits them */
const SOCK_CLOEXEC = 0o2000000;

const socketpair = koffi.load(null).func('int socketpair(int domain, int type, int protocol, _Out_ int *ends)');

/** Two file descriptors. @throws NightdropError */
export function socketPair(): [number, number] {
  const ends: [number, number] = [-1, -1];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) === 0) return ends;
  const [code, text] = getSystemErrorMap().get(-koffi.errno()) ?? ['ERR_SOCKETPAIR', 'failed'];
  throw new NightdropError(code, `socketpair: ${text}`);
}
