import type { Socket } from 'node:net';
import type { ProxySettings, ServerSettings } from '../config/settings.ts';

/** What the peers of one listening place have to pass before they speak rsync. */
export interface Door {
  /** the proxies in front of it, as the settings have them now */
  proxies(settings: ServerSettings): ProxySettings;
  /** undefined where rsync is spoken from the first byte on */
  secure?: (socket: Socket, initial: Buffer) => never;
}

export const RSYNC_DOOR: Door = { proxies: (settings) => settings };
