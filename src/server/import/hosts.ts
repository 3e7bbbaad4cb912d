/** "hosts allow" and "hosts deny" to the lists of a vault. Where a word cannot be carried, nobody gets in who did not. */
import { parseHostPattern, splitHosts } from '../../config/host-pattern.ts';
import { printable } from '../../lib/names.ts';
import type { ClientDraft } from './draft.ts';
import { carried, type Fate, left } from './fate.ts';

export function carryHosts(value: string, list: 'hosts_allow' | 'hosts_deny', draft: ClientDraft): Fate {
  const words = splitHosts(value);
  const wrong = words.flatMap((word) => {
    const pattern = parseHostPattern(word);
    return typeof pattern === 'string' ? [`${printable(word)} ${pattern}`] : [];
  });
  const good = words.filter((word) => typeof parseHostPattern(word) !== 'string');
  if (wrong.length === 0) {
    if (words.length > 0) draft.policy.set(list, good);
    return carried(list);
  }
  if (list === 'hosts_deny') {
    draft.policy.set('hosts_deny', ['*']);
    return left(`${wrong.join('; ')}: all are kept out whom hosts_allow does not let in`);
  }
  draft.policy.set('hosts_allow', good);
  // an empty list would be no rule
  if (good.length === 0 && !draft.policy.has('hosts_deny')) draft.policy.set('hosts_deny', ['*']);
  return left(`${wrong.join('; ')}: ${good.length === 0 ? 'nobody is let in by it' : 'the others are let in'}`);
}
