import type { Place, Values } from '../../config/rsyncd/load.ts';

export type TomlValue = string | number | boolean | string[];

/** A client to be made of a module. */
export interface ClientDraft extends Place {
  name: string;
  /** that it is made of */
  module: string;
  /** user to secret, latin1-tagged; none: settings only, for a client that somebody makes later */
  logins: Map<string, string>;
  /** of the module */
  values: Values;
  /** keys of its table in nightdrop.toml */
  policy: Map<string, TomlValue>;
}
