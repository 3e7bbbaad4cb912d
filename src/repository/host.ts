/** Who we are, as locks and key files say it. */
import { hostname, userInfo } from 'node:os';

export interface Host {
  hostname: string;
  username: string;
  uid: number;
  gid: number;
}

/** In a container the user may have no line in /etc/passwd; its number stands in for the name then. */
export function thisHost(): Host {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  let username = String(uid);
  try {
    username = userInfo().username;
  } catch {
    // no such user: the number is all there is
  }
  return { hostname: hostname(), username, uid, gid };
}
