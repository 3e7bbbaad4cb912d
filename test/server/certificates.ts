/** Certificates made by the openssl command. */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runOk } from '../support/run.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';

export interface Pair {
  certificate: string;
  key: string;
}

export interface CertificateOptions {
  /** '/CN=web1' */
  subject?: string;
  /** 'DNS:localhost' */
  alternative?: string;
  /** 'serverAuth' or 'clientAuth' */
  usage?: string;
  /** 'YYYYMMDDHHMMSSZ', instead of now and in a year */
  from?: string;
  to?: string;
}

/** An authority, and the folder that everything of it lies in. */
export class Authority implements Pair {
  readonly folder: string;
  readonly certificate: string;
  readonly key: string;
  private made = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.certificate = path.join(folder, 'ca.pem');
    this.key = path.join(folder, 'ca.key');
  }

  static async make(scope: Scope, name = 'Test CA'): Promise<Authority> {
    const authority = new Authority(temporaryFolder(scope, 'ca'));
    const { folder, certificate, key } = authority;
    const request = ['req', '-x509', '-nodes', '-days', '30', '-subj', `/CN=${name}`, '-out', certificate];
    await openssl([...request, ...newKey(key)], folder);
    writeFileSync(path.join(folder, 'index.txt'), '');
    writeFileSync(path.join(folder, 'index.txt.attr'), 'unique_subject = no\n');
    writeFileSync(path.join(folder, 'serial'), '1000\n');
    writeFileSync(path.join(folder, 'crlnumber'), '01\n');
    return authority;
  }

  /** A key, and a certificate of it. */
  async issue(name: string, options: CertificateOptions = {}): Promise<Pair> {
    const { subject = `/CN=${name}`, alternative, usage, from, to } = options;
    const base = path.join(this.folder, `${name}-${++this.made}`);
    const pair = { certificate: `${base}.pem`, key: `${base}.key` };
    await openssl(['req', '-new', '-nodes', '-subj', subject, '-out', `${base}.csr`, ...newKey(pair.key)], this.folder);
    const config = [this.config(), '[extensions]', 'basicConstraints = CA:FALSE'];
    if (alternative !== undefined) config.push(`subjectAltName = ${alternative}`);
    if (usage !== undefined) config.push(`extendedKeyUsage = ${usage}`);
    writeFileSync(`${base}.cnf`, `${config.join('\n')}\n`);
    const dates = [...(from === undefined ? [] : ['-startdate', from]), ...(to === undefined ? [] : ['-enddate', to])];
    const how = ['-batch', '-notext', '-config', `${base}.cnf`, '-extensions', 'extensions', '-days', '30', ...dates];
    await openssl(['ca', ...how, '-in', `${base}.csr`, '-out', pair.certificate], this.folder);
    return pair;
  }

  server(): Promise<Pair> {
    return this.issue('server', { subject: '/CN=localhost', alternative: 'DNS:localhost', usage: 'serverAuth' });
  }

  client(name: string, options: CertificateOptions = {}): Promise<Pair> {
    return this.issue(name, { usage: 'clientAuth', ...options });
  }

  /** A list of withdrawn certificates, with this one on it. */
  async revoke({ certificate }: Pair): Promise<string> {
    const config = path.join(this.folder, 'crl.cnf');
    writeFileSync(config, `${this.config()}\n`);
    await openssl(['ca', '-config', config, '-revoke', certificate], this.folder);
    const list = path.join(this.folder, 'crl.pem');
    await openssl(['ca', '-config', config, '-gencrl', '-crldays', '2', '-out', list], this.folder);
    return list;
  }

  private config(): string {
    const { folder, certificate, key } = this;
    const at = (name: string) => path.join(folder, name);
    return [
      '[ca]',
      'default_ca = test',
      '[test]',
      `database = ${at('index.txt')}`,
      `serial = ${at('serial')}`,
      `crlnumber = ${at('crlnumber')}`,
      `new_certs_dir = ${folder}`,
      `certificate = ${certificate}`,
      `private_key = ${key}`,
      'default_md = sha256',
      'policy = any',
      '[any]',
      'commonName = optional',
      'organizationName = optional',
    ].join('\n');
  }
}

/** Puts a pair where a server looks for it: the certificate first, as renewals do. */
export function install({ certificate, key }: Pair, to: Pair): void {
  copyFileSync(certificate, to.certificate);
  writeFileSync(to.key, readFileSync(key), { mode: 0o600 });
}

function newKey(file: string): string[] {
  if (existsSync(file)) throw new Error(`${file} is there`);
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', file];
}

async function openssl(args: string[], cwd: string): Promise<void> {
  await runOk('openssl', args, { cwd });
}
