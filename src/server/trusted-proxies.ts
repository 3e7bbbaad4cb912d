import { parseHostPattern } from '../config/host-pattern.ts';
import { addressBytes } from '../config/ip-address.ts';
import type { ProxySettings } from '../config/settings.ts';
import { inNetwork } from './host-rules.ts';

/** Whether a peer may tell whom it connects for. `address` as `peerAddress` writes it. */
export function isTrustedProxy(address: string, { trustedProxies }: ProxySettings): boolean {
  const bytes = addressBytes(address);
  if (bytes === undefined) return false;
  return trustedProxies.some((word) => {
    const pattern = parseHostPattern(word);
    return typeof pattern === 'object' && pattern.kind === 'network' && inNetwork(bytes, pattern);
  });
}
