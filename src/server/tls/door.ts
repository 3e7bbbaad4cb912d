import type { Socket } from 'node:net';
import type { ProxySettings, TlsSettings } from '../../config/settings.ts';
import type { Door } from '../door.ts';
import type { Logger } from '../log.ts';
import { tlsFiles } from './files.ts';
import type { Handshake } from './messages.ts';
import { TlsProcesses } from './processes.ts';

/** TLS between a listener and its visitors, as the settings have it at the moment. */
export class TlsDoor implements Door {
  private readonly dataDir: string;
  private readonly settings: () => TlsSettings;
  private readonly processes: TlsProcesses;

  constructor(dataDir: string, log: Logger, settings: () => TlsSettings) {
    this.dataDir = dataDir;
    this.settings = settings;
    this.processes = new TlsProcesses(log);
  }

  /** @throws TlsFilesError naming the file that cannot be used */
  start(): Promise<void> {
    return this.processes.start(tlsFiles(this.dataDir, this.settings()));
  }

  /** Looks at the files at once, instead of at the next connection. */
  reload(): void {
    this.processes.reload(tlsFiles(this.dataDir, this.settings()));
  }

  close(): Promise<void> {
    return this.processes.close();
  }

  proxies(): ProxySettings {
    return this.settings();
  }

  secure(socket: Socket, initial: Buffer): { socket: Socket; handshake: Promise<Handshake> } {
    const settings = this.settings();
    return this.processes.secure(socket, initial, tlsFiles(this.dataDir, settings), settings.processes);
  }
}
