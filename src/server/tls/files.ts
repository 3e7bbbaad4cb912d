/** The files of TLS: certificate, key, and what clients' certificates are checked with. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsSettings } from '../../config/settings.ts';
import { NightdropError } from '../../lib/errors.ts';

const LONGEST_FILE = 1 << 20;
const PEM_CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END /g;

/** Absolute names; '' for none. */
export type TlsFiles = Pick<TlsSettings, 'certificate' | 'key' | 'clientCertificates' | 'clientCa' | 'clientCrl'>;

export interface LoadedTls {
  options: SecureContextOptions;
  /** the certificate's, for the log */
  subject: string;
  /** milliseconds since epoch at which the certificate ends */
  notAfter: number;
}

/** A file that TLS needs cannot be used; the sentence names it and says what to do. */
export class TlsFilesError extends NightdropError {
  constructor(message: string, cause?: unknown) {
    super('ERR_TLS_FILES', message, { cause });
  }
}

export function tlsFiles(dataDir: string, settings: TlsSettings): TlsFiles {
  const absolute = (name: string) => (name === '' ? '' : path.resolve(dataDir, name));
  const { clientCertificates } = settings;
  return {
    certificate: absolute(settings.certificate),
    key: absolute(settings.key),
    clientCertificates,
    clientCa: clientCertificates === 'no' ? '' : absolute(settings.clientCa),
    clientCrl: clientCertificates === 'no' ? '' : absolute(settings.clientCrl),
  };
}

/** Changes whenever one of them was written or replaced, or is another one. */
export async function versionOf(files: TlsFiles): Promise<string> {
  const { certificate, key, clientCertificates, clientCa, clientCrl } = files;
  const versions = [certificate, key, clientCa, clientCrl].map(async (name) => {
    if (name === '') return '';
    try {
      const { mtimeNs, ctimeNs, size, ino } = await stat(name, { bigint: true });
      return `${name} ${mtimeNs} ${ctimeNs} ${size} ${ino}`;
    } catch (error) {
      return `${name} ${(error as NodeJS.ErrnoException).code}`;
    }
  });
  return [clientCertificates, ...(await Promise.all(versions))].join('\n');
}

/** Reads and checks them all. @throws TlsFilesError */
export async function loadTlsFiles(files: TlsFiles, now = Date.now()): Promise<LoadedTls> {
  const cert = await readPublic(files.certificate);
  const key = await readKey(files.key);
  const certificates = certificatesIn(cert, files.certificate);
  checkPair(certificates, parseKey(key, files.key), files);
  const [leaf] = certificates;
  checkDates(leaf, files.certificate, now);
  const options: SecureContextOptions = { cert, key };
  if (files.clientCa !== '') {
    options.ca = await readPublic(files.clientCa);
    certificatesIn(options.ca, files.clientCa);
  }
  if (files.clientCrl !== '') options.crl = await readPublic(files.clientCrl);
  try {
    createSecureContext(options);
  } catch (error) {
    const names = [files.certificate, files.key, files.clientCa, files.clientCrl].filter((name) => name !== '');
    throw new TlsFilesError(`OpenSSL does not take ${names.join(', ')}: ${(error as Error).message}`, error);
  }
  return { options, subject: leaf.subject?.replaceAll('\n', ', ') ?? '', notAfter: leaf.validToDate.getTime() };
}

function certificatesIn(pem: Buffer, file: string): X509Certificate[] {
  const texts = pem.toString('latin1').match(PEM_CERTIFICATE) ?? [];
  if (texts.length === 0) throw new TlsFilesError(`${file} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)`);
  try {
    return texts.map((text) => new X509Certificate(`${text}CERTIFICATE-----\n`));
  } catch (error) {
    throw new TlsFilesError(`${file} holds a certificate that cannot be read: ${(error as Error).message}`, error);
  }
}

function parseKey(pem: Buffer, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    if (/^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem.toString('latin1'))) {
      throw new TlsFilesError(
        `${file} is locked by a passphrase, which the server cannot ask for: openssl pkey -in FILE -out NEW takes it away`,
        error,
      );
    }
    throw new TlsFilesError(`${file} holds no private key in PEM (-----BEGIN PRIVATE KEY-----)`, error);
  }
}

function checkPair([leaf, ...others]: X509Certificate[], key: KeyObject, files: TlsFiles): void {
  if (leaf.checkPrivateKey(key)) return;
  if (others.some((other) => other.checkPrivateKey(key))) {
    throw new TlsFilesError(
      `${files.certificate} has the certificates in the wrong order: the server's has to come first, its issuers after it`,
    );
  }
  throw new TlsFilesError(`${files.key} is not the key of ${files.certificate}: use two files that were made together`);
}

function checkDates({ validFromDate, validToDate }: X509Certificate, file: string, now: number): void {
  if (validToDate.getTime() < now)
    throw new TlsFilesError(`${file} ended on ${validToDate.toISOString()}: renew the certificate`);
  if (validFromDate.getTime() > now) {
    throw new TlsFilesError(`${file} is valid from ${validFromDate.toISOString()} on: look at this machine's clock`);
  }
}

async function readPublic(file: string): Promise<Buffer> {
  try {
    if ((await stat(file)).size > LONGEST_FILE) throw new Error(`it is longer than ${LONGEST_FILE} bytes`);
    return await readFile(file);
  } catch (error) {
    throw new TlsFilesError(`${file} cannot be read: ${(error as Error).message}`, error);
  }
}

/** The key has to be ours alone, or root's and a group's, as Debian's ssl-cert has it. */
async function readKey(file: string): Promise<Buffer> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    throw new TlsFilesError(`${file} cannot be read: ${(error as Error).message}`, error);
  }
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new TlsFilesError(`${file} is no regular file: give the name of the key's file`);
    const { mode, uid, size } = stats;
    const others = uid === 0 && process.geteuid?.() !== 0 ? 0o037 : 0o077;
    if ((mode & others) !== 0) throw new TlsFilesError(`${file} can be read by others; chmod 600 it`);
    if (size > LONGEST_FILE) throw new TlsFilesError(`${file} is longer than ${LONGEST_FILE} bytes`);
    return await handle.readFile();
  } catch (error) {
    if (error instanceof TlsFilesError) throw error;
    throw new TlsFilesError(`${file} cannot be read: ${(error as Error).message}; look at the disk`, error);
  } finally {
    await handle.close();
  }
}
