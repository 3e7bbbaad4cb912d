/** What an entry of the option tables says, and short ways to write one. */
import type { ValueParser } from './option-values.ts';
import type { ServerOptions } from './options.ts';

export type OptionSpec = Flag | Valued | Refused;

/** Carried, takes no value. */
export interface Flag {
  carried: true;
  takesValue: false;
  sets: Partial<ServerOptions>;
}

/** Carried, takes a value: after '=', or as the next argument. */
export interface Valued {
  carried: true;
  takesValue: true;
  /** what the value sets; undefined when the text is not a value of this option */
  read: (text: string, options: ServerOptions) => Partial<ServerOptions> | undefined;
}

export interface Refused {
  carried: false;
  /** clients send its value as the next argument */
  takesValue: boolean;
  /** of a letter: the name that people know */
  long?: string;
  /** completes 'the option X is refused: …' */
  reason: string;
}

export const NO_FILES = 'it names files on the server';
export const SENDING = 'it is for the sending side';
export const NO_SHELL = 'there is no shell and no other program here';

export const flag = (sets: Partial<ServerOptions>): Flag => ({ carried: true, takesValue: false, sets });
export const refused = (reason: string, long?: string): Refused => ({
  carried: false,
  takesValue: false,
  reason,
  long,
});
export const refusedWithValue = (reason: string): Refused => ({ carried: false, takesValue: true, reason });

export function valued<T>(parse: ValueParser<T>, sets: (value: T) => Partial<ServerOptions>): Valued {
  return {
    carried: true,
    takesValue: true,
    read: (given) => {
      const value = parse(given);
      return value === undefined ? undefined : sets(value);
    },
  };
}

/** Carried in that it changes nothing here: the destination is no file system, or only the client is concerned. */
export const noEffect = flag({});
export const noEffectWith = <T>(parse: ValueParser<T>): Valued => valued(parse, () => ({}));
