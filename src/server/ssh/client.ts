/** Who has come and what for, as sshd hands it to a forced command (sshd(8), "AUTHORIZED_KEYS FILE FORMAT"). */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { peerAddress } from '../addresses.ts';

/** SSH_ORIGINAL_COMMAND as bytes, latin1-tagged: names in it need not be UTF-8. undefined when a shell was asked for. */
export function originalCommand(): string | undefined {
  const name = 'SSH_ORIGINAL_COMMAND=';
  if (process.env.SSH_ORIGINAL_COMMAND === undefined) return undefined;
  const raw = readFileSync('/proc/self/environ', 'latin1').split('\0');
  return raw.find((variable) => variable.startsWith(name))?.slice(name.length);
}

/** The client's address; 'ssh' where sshd has not told it. */
export function clientAddress(): string {
  const [address] = (process.env.SSH_CONNECTION ?? '').split(' ');
  const plain = peerAddress(address);
  return isIP(plain) > 0 ? plain : 'ssh';
}
