import type { Settings } from '../config/settings.ts';
import { policyOf } from '../config/settings.ts';
import { HostNames } from './host-names.ts';
import { EVERYBODY, HostRules, type HostVerdict } from './host-rules.ts';

/** The rules about hosts as the settings have them at the moment. */
export class Access {
  private readonly names = new HostNames();
  /** of the settings they were made from; undefined where there are none */
  private made: { from: Settings; rules: HostRules | undefined } | undefined;

  async judge(address: string, settings: Settings): Promise<HostVerdict> {
    if (this.made?.from !== settings) this.made = { from: settings, rules: rulesOf(settings) };
    return this.made.rules?.judge(address, this.names) ?? EVERYBODY;
  }
}

function rulesOf(settings: Settings): HostRules | undefined {
  const own = Object.entries(settings.vaults)
    .filter(([, policy]) => policy.hostsAllow !== undefined || policy.hostsDeny !== undefined)
    .map(([vault]) => [vault, policyOf(settings, vault)] as const);
  const lists = [settings.defaults, ...own.map(([, policy]) => policy)];
  if (lists.every(({ hostsAllow, hostsDeny }) => hostsAllow.length + hostsDeny.length === 0)) return undefined;
  return new HostRules(settings.defaults, new Map(own), settings.server);
}
