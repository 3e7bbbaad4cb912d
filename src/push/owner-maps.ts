import type { OwnerKind } from '../rsync/id-list.ts';
import type { ServerOptions } from '../rsync/options.ts';
import { OwnerMap } from '../rsync/owner-map.ts';
import { accountNumber } from './accounts.ts';

/** The two maps of a push. `unknown`: names of accounts that this machine does not have, for the client. */
export interface OwnerMaps {
  user: OwnerMap | undefined;
  group: OwnerMap | undefined;
  unknown: string[];
}

/** @throws NightdropError when a map cannot be read */
export function ownerMaps({ userMap, groupMap }: ServerOptions): OwnerMaps {
  const unknown: string[] = [];
  const read = (kind: OwnerKind, text: string | undefined) =>
    text === undefined
      ? undefined
      : new OwnerMap(
          kind,
          text,
          (name) => accountNumber(kind, name),
          (name) => unknown.push(`Unknown --${kind}map name on receiver: ${name}`),
        );
  return { user: read('user', userMap), group: read('group', groupMap), unknown };
}
