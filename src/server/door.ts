import type { Socket } from 'node:net';
import type { ProxySettings, ServerSettings } from '../config/settings.ts';
import type { Handshake } from './tls/messages.ts';

/** What the peers of one listening place have to pass before they speak rsync. */
export interface Door {
  /** the proxies in front of it, as the settings have them now */
  proxies(settings: ServerSettings): ProxySettings;
  /**
   * Takes the socket, of which `initial` was read already, and gives one through which the peer speaks in clear once the
   * handshake is done. undefined where it speaks so from the first byte on.
   */
  secure?: (socket: Socket, initial: Buffer) => { socket: Socket; handshake: Promise<Handshake> };
}

export const RSYNC_DOOR: Door = { proxies: (settings) => settings };
