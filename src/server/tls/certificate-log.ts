import type { Logger } from '../log.ts';
import type { FromTls } from './messages.ts';

const DAY_MILLISECONDS = 86_400_000;
/** From so many days before its end on a certificate is talked of each day there are connections. */
const WARNING_DAYS = 10;

/** What the log says of the server's certificate: once, however many processes take it up. */
export class CertificateLog {
  private readonly log: Logger;
  private told = '';
  private inUse: { certificate: string; notAfter: number } | undefined;
  private reminded = Number.NEGATIVE_INFINITY;

  constructor(log: Logger) {
    this.log = log;
  }

  loaded({ version, certificate, subject, notAfter }: FromTls & { type: 'loaded' }): void {
    this.inUse = { certificate, notAfter };
    if (!this.isNew(version)) return;
    const not_after = new Date(notAfter).toISOString();
    this.log.info({ certificate, subject, not_after }, 'certificate taken up');
    this.reminded = Number.NEGATIVE_INFINITY;
    this.remind();
  }

  /** @param othersUse whether there are processes that go on with the one before */
  unusable({ version, message }: FromTls & { type: 'unusable' }, othersUse: boolean): void {
    if (this.inUse === undefined) return; // the server does not start, and says why
    if (!this.isNew(version)) return;
    this.log.error({ error: message }, othersUse ? 'new TLS files cannot be used: those before them stay' : 'no TLS');
  }

  /** Called at each connection. */
  remind(now = Date.now()): void {
    if (this.inUse === undefined || now - this.reminded < DAY_MILLISECONDS) return;
    const { certificate, notAfter } = this.inUse;
    if (notAfter - now > WARNING_DAYS * DAY_MILLISECONDS) return;
    this.reminded = now;
    const not_after = new Date(notAfter).toISOString();
    if (notAfter < now) this.log.error({ certificate, not_after, alert: true }, 'the certificate has ended: renew it');
    else this.log.warn({ certificate, not_after }, 'the certificate ends soon: renew it');
  }

  private isNew(version: string): boolean {
    const isNew = version !== this.told;
    this.told = version;
    return isNew;
  }
}
