/** What becomes of each parameter of a module. */
import { readFileSync } from 'node:fs';
import { type Assignment, valueIn } from '../../config/rsyncd/load.ts';
import { booleanOf, numberOf } from '../../config/rsyncd/parameters.ts';
import { isCharsetForNames } from '../../lib/charset-name.ts';
import { fromText, printable } from '../../lib/names.ts';
import { OptionRefusals } from '../../rsync/option-refusals.ts';
import type { ClientDraft } from './draft.ts';
import { carried, different, type Fate, left, unneeded } from './fate.ts';
import { carryHosts } from './hosts.ts';

type Handler = (value: string, draft: ClientDraft) => Fate;

const MOST_CONNECTIONS = 10_000;
const LARGEST_ID = 0xffff_fffe;

const OFF = unneeded('it is off');
const NOTHING = unneeded('it says nothing');

const isOn = (value: string) => booleanOf(value) === true;
const whenOn =
  (fate: Fate): Handler =>
  (value) =>
    isOn(value) ? fate : OFF;
const whenSaid =
  (fate: Fate): Handler =>
  (value) =>
    value === '' ? NOTHING : fate;
const always =
  (fate: Fate): Handler =>
  () =>
    fate;

const noFiles = whenSaid(left('nothing is passed over here: exclude it at the client'));
const noPrograms = whenSaid(left('no program is run here'));
const theLog = always(unneeded('the log goes to standard error, to whatever starts the server'));
const noPath = always(unneeded('nothing is a path here'));
const NO_READING = 'clients cannot read any more; nightdrop restore, on the server, can';

const HANDLERS: Record<string, Handler> = {
  path: always(unneeded('nothing is a path here; what lies there stays there, and the first push sends all')),
  comment: always(unneeded('nothing shows it')),
  list: (value) =>
    isOn(value)
      ? different('names of clients are not listed; list_modules = true in [server] lists all of them')
      : unneeded('names of clients are not listed'),
  'read only': (value) => carried(isOn(value) ? 'those of "auth users" that may write push' : ''),
  'write only': (value) => (isOn(value) ? carried('nobody can read') : different(NO_READING)),
  'auth users': always(carried('')),
  'secrets file': always(carried('')),
  'strict modes': (value) => carried(isOn(value) ? '' : 'the copies of the secrets here are always private'),

  'hosts allow': (value, draft) => carryHosts(value, 'hosts_allow', draft),
  'hosts deny': (value, draft) => carryHosts(value, 'hosts_deny', draft),
  'max connections': (value, { policy }) => {
    const most = Math.min(MOST_CONNECTIONS, numberOf(value));
    if (most > 0) policy.set('max_connections', most);
    return most > 0 ? carried('max_connections of each client') : unneeded('it is no limit');
  },
  'lock file': always(unneeded('the server counts connections itself, for each client alone; max_sessions is for all')),
  'refuse options': carryRefusals,
  uid: (value, draft) => carryId(value, 'default_uid', '/etc/passwd', draft),
  gid: (value, draft) => carryId(value.split(/[\s,]+/).filter(Boolean)[0] ?? '', 'default_gid', '/etc/group', draft),

  'use chroot': noPath,
  'munge symlinks': always(unneeded('symlinks are stored as they are, and followed by nobody')),
  'insecure links': always(unneeded('symlinks are stored as they are, and followed by nobody')),
  'temp dir': noPath,
  'fake super': always(unneeded('owners, modes and devices are stored as data')),
  'numeric ids': always(unneeded('ids and names are both stored as the client sends them')),
  'open noatime': noPath,
  'ignore nonreadable': always(unneeded('it is for pulls')),
  'outgoing chmod': always(unneeded('it is for pulls')),
  'dont compress': always(unneeded('it is for pulls')),
  'max verbosity': (value, { policy }) => {
    const level = Math.min(1, Math.max(0, numberOf(value)));
    policy.set('max_verbosity', level);
    return numberOf(value) > 1 ? different('the server answers at most one -v of a client') : carried('max_verbosity');
  },

  'incoming chmod': whenSaid(left('modes are stored as they are sent: say --chmod at the client')),
  charset: (value, { policy }) => {
    if (value === '') return OFF;
    if (!isCharsetForNames(value)) return left('it is no character set that is known here: say "charset" yourself');
    policy.set('charset', value);
    return carried('charset');
  },
  exclude: noFiles,
  include: noFiles,
  'exclude from': noFiles,
  'include from': noFiles,
  filter: noFiles,
  'early exec': noPrograms,
  'pre-xfer exec': noPrograms,
  'post-xfer exec': noPrograms,
  'name converter': whenSaid(unneeded('ids and names are both stored as the client sends them')),
  'ignore errors': (value, { policy }) => {
    if (isOn(value)) policy.set('ignore_errors', true);
    return isOn(value) ? carried('ignore_errors') : OFF;
  },

  'transfer logging': whenOn(different('the log has a line for each push, not for each file')),
  'log format': always(unneeded('the log has a line for each push')),
  'log file': theLog,
  'syslog facility': theLog,
  'syslog tag': theLog,
  name: always(left('it is not documented')),
};

/** undefined for what concerns the whole server (server-parameters.ts). */
export function carryModuleParameter(assignment: Assignment, draft: ClientDraft): Fate | undefined {
  const { parameter } = assignment;
  if (!Object.hasOwn(HANDLERS, parameter.name)) return undefined;
  const handler = HANDLERS[parameter.name];
  const value = valueIn(draft.module, assignment);
  const fate = handler(value, draft);
  if (fate.kind === 'carried' && /%RSYNC_[A-Z_]+%/.test(value)) {
    return left('it hangs on who connects, which settings here do not');
  }
  return fate;
}

/** What is so where the file says nothing of it. */
export function fatesOfSilence({ values }: ClientDraft): Fate[] {
  return values.has('write only') ? [] : [different(NO_READING)];
}

function carryRefusals(value: string, { policy }: ClientDraft): Fate {
  const words = value.split(' ').filter((word) => word !== '');
  const unknown = OptionRefusals.unknown(words);
  const known = words.filter((word) => !unknown.includes(word));
  if (known.length > 0) policy.set('refuse_options', known);
  if (unknown.length === 0) return carried('refuse_options');
  return carried(`refuse_options, without ${unknown.map(printable).join(', ')}: rsyncd, too, knows no such option`);
}

/** The owner of what is pushed without -o: the user that rsyncd works as. */
function carryId(value: string, key: string, names: string, { policy }: ClientDraft): Fate {
  const id = /^\d{1,10}$/.test(value) ? Number(value) : idOf(value, names);
  if (id === undefined || id > LARGEST_ID) return unneeded('owners are stored as the client sends them');
  policy.set(key, id);
  return carried(
    `${key}: ${key === 'default_uid' ? 'the owner of what is pushed without -o' : 'the group of what is pushed without -g'}`,
  );
}

function idOf(name: string, file: string): number | undefined {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    const found = lines.map((line) => line.split(':')).find(([first]) => name !== '' && fromText(first) === name);
    return found === undefined ? undefined : Number(found[2]);
  } catch {
    return undefined;
  }
}
