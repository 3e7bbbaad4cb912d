/** The server of one data folder, from its start to its end. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { policyOf } from '../config/settings.ts';
import { NightdropError } from '../lib/errors.ts';
import { LeaseBusyError } from '../vault/errors.ts';
import { mayPush, vaultLayout } from '../vault/layout.ts';
import { Lease } from '../vault/lease.ts';
import { Access } from './access.ts';
import { formatListen, type ListenPlace, listenPlaces, nearestToClients } from './addresses.ts';
import type { Door } from './door.ts';
import { type Guest, Listener } from './listener.ts';
import { createLog, type Logger } from './log.ts';
import { Places } from './places.ts';
import { logPush } from './push-log.ts';
import { forgetAddress, noteAddress } from './running.ts';
import { readSecret } from './secrets.ts';
import type { FromSession } from './session-messages.ts';
import { Sessions } from './sessions.ts';
import { SettingsSource } from './settings-source.ts';
import type { TlsDoor } from './tls/door.ts';

/** Seconds that pushes get to keep what they have once they were cut. */
const CUT_SECONDS = 20;

export interface ServeOptions {
  dataDir: string;
  /** HOST:PORT, one or several, instead of the settings' */
  listen?: string[];
  /** told once connections are accepted */
  onReady(addresses: Addresses): void;
}

/** HOST:PORT where a server listens, in clear and with TLS. */
export interface Addresses {
  clear: string[];
  tls: string[];
}

export class NightdropServer {
  private readonly dataDir: string;
  private readonly log: Logger;
  private readonly settings: SettingsSource;
  private readonly lock: Lease;
  private readonly sessions = new Sessions();
  private readonly places = new Places();
  private readonly access = new Access();
  private readonly listener: Listener;
  private tls: TlsDoor | undefined;

  private constructor(dataDir: string, settings: SettingsSource, lock: Lease) {
    this.dataDir = dataDir;
    this.settings = settings;
    this.lock = lock;
    this.log = createLog(settings.current.log);
    this.listener = new Listener({
      log: this.log,
      settings: async () => {
        await settings.refresh();
        return settings.current.server;
      },
      secretOf: (vault, user) => readSecret(dataDir, vault, user),
      mayPush: (vault) => mayPush(vaultLayout(dataDir, vault)),
      judge: (address) => this.access.judge(address, this.settings.current),
      // loaded only where it is asked for: it brings the whole repository with it, which has no business here
      modules: async () => (await import('../vault/vault.ts')).listVaults(dataDir),
      onConnection: () => this.sessions.warm(),
      takePlace: (vault, { maxSessions }) =>
        this.places.take(vault, { maxSessions, maxConnections: policyOf(settings.current, vault).maxConnections }),
      serve: (guest) => this.serve(guest),
    });
    settings.onChange = (mistakes) => {
      if (mistakes === undefined) this.log.info('settings read again');
      else this.log.error({ mistakes: mistakes.split('\n') }, 'the settings have mistakes: those before them stay');
    };
  }

  /** Resolves when connections are accepted. @throws NightdropError when the folder is in use or the settings are wrong */
  static async start({ dataDir, listen, onReady }: ServeOptions): Promise<NightdropServer> {
    const lock = await lockFolder(dataDir);
    try {
      const settings = await SettingsSource.open(path.join(dataDir, 'nightdrop.toml'));
      const server = new NightdropServer(dataDir, settings, lock);
      const addresses = await server.open(listen ?? settings.current.server.listen, settings.current.tls.listen);
      noteAddress(dataDir, { clear: nearestToClients(addresses.clear), tls: nearestToClients(addresses.tls) });
      onReady(addresses);
      void server.recover().then(() => server.sessions.warm());
      return server;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Reads the settings again, and the certificate, whether or not their files have changed. */
  async reload(): Promise<void> {
    await this.settings.refresh(true);
    this.tls?.reload();
  }

  /**
   * Accepts no more, lets pushes end for the grace period (or until `hurry`), then cuts them: what they have is kept as
   * an incomplete snapshot.
   */
  async stop(hurry: Promise<unknown>): Promise<void> {
    const { sessions, log } = this;
    this.listener.close();
    sessions.close();
    const ended = sessions.allEnded();
    if (sessions.count > 0) {
      const { shutdownGrace } = this.settings.current.server;
      log.info({ pushes: sessions.count, grace_seconds: shutdownGrace }, 'stopping: pushes may end');
      await Promise.race([ended, hurry, sleep(shutdownGrace * 1000, undefined, { ref: false })]);
    }
    if (sessions.count > 0) {
      log.warn({ pushes: sessions.count }, 'stopping: pushes are cut, what arrived is kept');
      sessions.cutAll('the server is stopping');
      await Promise.race([ended, sleep(CUT_SECONDS * 1000, undefined, { ref: false })]);
      sessions.killAll();
      await ended;
    }
    await this.tls?.close();
    forgetAddress(this.dataDir);
    this.lock.release();
    log.info('stopped');
  }

  /** On all of these places, or on none. */
  private async open(clear: string[], tls: string[]): Promise<Addresses> {
    try {
      if (tls.length > 0) {
        // loaded only where it is wanted: what makes socket pairs has its price in memory
        const { TlsDoor } = await import('./tls/door.ts');
        this.tls = new TlsDoor(this.dataDir, this.log, () => this.settings.current.tls);
        await this.tls.start();
      }
      return { clear: await this.listen(clear), tls: await this.listen(tls, this.tls) };
    } catch (error) {
      this.listener.close();
      await this.tls?.close();
      throw error;
    }
  }

  private async listen(texts: string[], door?: Door): Promise<string[]> {
    const addresses: string[] = [];
    for (const place of listenPlaces(texts)) addresses.push(await this.listenAt(place, door));
    return addresses;
  }

  private async listenAt({ host, port, ipv6Only }: ListenPlace, door?: Door): Promise<string> {
    try {
      return await this.listener.listen(host, port, ipv6Only, door);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === 'EACCES' ? 'this user may not: a port below 1024 takes CAP_NET_BIND_SERVICE' : message;
      throw new NightdropError('ERR_LISTEN', `cannot listen on ${formatListen(host, port)}: ${why}`, { cause: error });
    }
  }

  private async serve(guest: Guest): Promise<void> {
    const { socket, vault, protocol, initial, address, secondsLeft, leave } = guest;
    const settings = this.settings.current;
    const session = this.sessions.push(
      {
        protocol,
        vault,
        vaultDir: vaultLayout(this.dataDir, vault).folder,
        address,
        policy: policyOf(settings, vault),
        limits: {
          ioTimeout: settings.server.ioTimeout,
          handshakeTimeout: secondsLeft,
          workers: settings.push.workers,
          leaseWait: settings.push.leaseWait,
        },
        initial: initial.toString('base64'),
      },
      socket,
    );
    let crashed = false;
    try {
      logPush(this.log, vault, address, await session.report);
    } catch (error) {
      crashed = true;
      const { message, stack } = error as Error;
      this.log.error({ vault, address, error: message, stack }, 'a push ended by a defect or a fault');
    }
    leave(); // the process has work of its own for a moment, the client may be back before that
    await session.ended;
    if (crashed) await this.recover(vault);
    this.sessions.warm();
  }

  /** Looks after one vault, or all of them. */
  private async recover(vault?: string): Promise<void> {
    await this.sessions.recover(this.dataDir, vault, (message: FromSession) => {
      if (message.type === 'recovered')
        this.log.warn({ vault: message.vault, notes: message.notes }, 'vault recovered');
      if (message.type === 'failed')
        this.log.error({ vault: message.vault, error: message.message }, 'recovery failed');
    });
  }
}

/** The lock ends with this process, however it ends. */
async function lockFolder(dataDir: string): Promise<Lease> {
  try {
    return await Lease.take(path.join(dataDir, 'server.lock'), 'serve', 0);
  } catch (error) {
    if (!(error instanceof LeaseBusyError)) throw error;
    throw new NightdropError('ERR_SERVER_RUNS', `another nightdrop serves ${dataDir} already; stop it first`, {
      cause: error,
    });
  }
}
