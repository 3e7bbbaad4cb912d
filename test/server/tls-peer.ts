import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import path from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { parseSettings } from '../../src/config/load.ts';
import type { ServerSettings, TlsSettings } from '../../src/config/settings.ts';
import type { ListenerOptions } from '../../src/server/listener.ts';
import { TlsDoor } from '../../src/server/tls/door.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';
import { Authority, install, type Pair } from './certificates.ts';
import { openListener, Peer, type TestListener } from './peer.ts';

export interface TlsListener extends TestListener {
  authority: Authority;
  /** the files that the server uses */
  files: Pair;
  tls: TlsSettings;
  door: TlsDoor;
  /** a handshake, and a peer that speaks through it; `before` goes ahead of TLS */
  secure(options?: SecureOptions): Promise<SecurePeer>;
}

export interface SecureOptions extends ConnectionOptions {
  client?: Pair;
  before?: Buffer;
  localAddress?: string;
}

export class SecurePeer extends Peer {
  declare readonly socket: TLSSocket;
}

/** A listener inside this process whose door is TLS, done by processes as always. */
export async function openTlsListener(
  scope: Scope,
  settings: Partial<TlsSettings> = {},
  server: Partial<ServerSettings> = {},
  options: Partial<ListenerOptions> = {},
): Promise<TlsListener> {
  const authority = await Authority.make(scope);
  const folder = temporaryFolder(scope, 'tls');
  const files = { certificate: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
  install(await authority.server(), files);
  const tls: TlsSettings = { ...parseSettings('', 'none').tls, ...files, clientCa: authority.certificate, ...settings };
  let door: TlsDoor | undefined;
  const peers: Socket[] = [];
  const listener = await openListener(scope, server, options, async (log) => {
    door = new TlsDoor(folder, log, () => tls);
    scope.after(async () => {
      for (const peer of peers) peer.destroy();
      await door?.close();
    });
    await door.start();
    return door;
  });
  const secure = async (options: SecureOptions = {}) => {
    const { client, before, localAddress, ...more } = options;
    const raw = connectTcp({ port: listener.port, host: '127.0.0.1', localAddress });
    peers.push(raw);
    if (before) raw.write(before);
    const ca = readFileSync(authority.certificate);
    const own = client && { cert: readFileSync(client.certificate), key: readFileSync(client.key) };
    const socket = connect({ socket: raw, ca, servername: 'localhost', ...own, ...more });
    await once(socket, 'secureConnect');
    return new Peer(socket) as SecurePeer;
  };
  return { ...listener, authority, files, tls, door: door!, secure };
}
