/** What becomes of one line of an rsyncd.conf. */
export interface Fate {
  /** 'unneeded': nothing is lost; 'left': something is other than it was there */
  kind: 'carried' | 'unneeded' | 'left';
  why: string;
}

export const carried = (why: string): Fate => ({ kind: 'carried', why });
export const unneeded = (why: string): Fate => ({ kind: 'unneeded', why });
export const left = (why: string): Fate => ({ kind: 'left', why });

const WORDS = { carried: 'carried', unneeded: 'not needed', left: 'not carried' };

/** As it stands after place and name: `not needed: nothing is a path here`. */
export function describeFate({ kind, why }: Fate): string {
  return why === '' ? WORDS[kind] : `${WORDS[kind]}: ${why}`;
}
