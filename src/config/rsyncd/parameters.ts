/** The parameters of rsyncd.conf, as rsync 3.5 knows them. */

export type ParameterType = 'text' | 'path' | 'number' | 'boolean' | 'boolean or unset';

export interface Parameter {
  name: string;
  /** may stand in a module, and before it as the default of those that follow */
  ofModules: boolean;
  type: ParameterType;
}

const GLOBAL: [ParameterType, string][] = [
  ['text', 'address, daemon chroot, daemon gid, daemon uid, motd file, pid file, proxy protocol hosts, socket options'],
  ['number', 'listen backlog, port'],
  ['boolean', 'proxy protocol'],
];

const OF_MODULES: [ParameterType, string][] = [
  [
    'text',
    'auth digest, auth users, charset, comment, dont compress, early exec, exclude, exclude from, filter, gid, hosts allow, ' +
      'hosts deny, include, include from, incoming chmod, lock file, log file, log format, name, name converter, ' +
      'outgoing chmod, post-xfer exec, pre-xfer exec, refuse options, secrets file, syslog facility, syslog tag, uid',
  ],
  ['path', 'path, temp dir'],
  ['number', 'max connections, max verbosity, timeout'],
  [
    'boolean',
    'fake super, forward lookup, ignore errors, ignore nonreadable, insecure links, list, read only, reverse lookup, ' +
      'strict modes, transfer logging, write only',
  ],
  ['boolean or unset', 'munge symlinks, numeric ids, open noatime, use chroot'],
];

function table(rows: [ParameterType, string][], ofModules: boolean): Parameter[] {
  return rows.flatMap(([type, names]) => names.split(', ').map((name) => ({ name, ofModules, type })));
}

export const PARAMETERS: readonly Parameter[] = [...table(GLOBAL, false), ...table(OF_MODULES, true)];

const byKey = new Map(PARAMETERS.map((parameter) => [keyOf(parameter.name), parameter]));

/** Names are compared without their blanks, in any case. */
export function keyOf(name: string): string {
  return name.replace(/\s+/g, '').toLowerCase();
}

export function parameterNamed(name: string): Parameter | undefined {
  return byKey.get(keyOf(name));
}

/** undefined when the text is none. 'unset' where that may be said. */
export function booleanOf(text: string): boolean | undefined {
  const word = keyOf(text);
  if (['yes', 'true', '1'].includes(word)) return true;
  if (['no', 'false', '0'].includes(word)) return false;
  return undefined;
}

export function isUnset(text: string): boolean {
  return ['unset', '-1'].includes(keyOf(text));
}

/** As C reads it: the digits it begins with. */
export function numberOf(text: string): number {
  return Number(/^\s*([+-]?\d{1,15})/.exec(text)?.[1] ?? 0);
}
