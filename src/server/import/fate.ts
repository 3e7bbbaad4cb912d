/** What becomes of one line of an rsyncd.conf. */
export interface Fate {
  /**
   * 'unneeded': nothing is lost; 'different': a write-only server does it in another way, or not at all;
   * 'left': somebody who could push cannot, may do more than there, or something else is stored
   */
  kind: 'carried' | 'unneeded' | 'different' | 'left';
  why: string;
}

export const carried = (why: string): Fate => ({ kind: 'carried', why });
export const unneeded = (why: string): Fate => ({ kind: 'unneeded', why });
export const different = (why: string): Fate => ({ kind: 'different', why });
export const left = (why: string): Fate => ({ kind: 'left', why });

const WORDS = { carried: 'carried', unneeded: 'not needed', different: 'different here', left: 'not carried' };

/** As it stands after place and name: `not needed: nothing is a path here`. */
export function describeFate({ kind, why }: Fate): string {
  return why === '' ? WORDS[kind] : `${WORDS[kind]}: ${why}`;
}
