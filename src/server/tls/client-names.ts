/** Which vaults a client's certificate names. The certificate has been verified; only what it says is looked at here. */
import type { X509Certificate } from 'node:crypto';
import { isVaultName } from '../../vault/layout.ts';

/**
 * Its common name, if it has exactly one: as PostgreSQL, OpenVPN and most others take it. One that has none names the vaults that
 * its DNS names (subject alternative names) name; several common names name none. What cannot be a vault's name is left out.
 */
export function clientNames(certificate: X509Certificate): string[] {
  const { subject } = certificate.toLegacyObject() as { subject?: { CN?: string | string[] } };
  const common = subject?.CN;
  if (Array.isArray(common)) return [];
  return (common === undefined ? dnsNames(certificate.subjectAltName ?? '') : [common]).filter(isVaultName);
}

/**
 * 'DNS:web1, DNS:"a, b", IP Address:192.0.2.1' as OpenSSL prints it and Node quotes it: within quotes a comma separates
 * nothing. None where the text is not of this form.
 */
export function dnsNames(text: string): string[] {
  const names: string[] = [];
  const item = /([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;
  while (item.lastIndex < text.length) {
    const found = item.exec(text);
    if (found === null) return [];
    if (found[1] === 'DNS') names.push(found[2]);
  }
  return names;
}
