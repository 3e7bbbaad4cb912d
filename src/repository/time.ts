/** Times in trees: RFC 3339 in UTC with up to nine digits of a second; years 0 to 9999 (docs/repository.md, "Times"). */
export interface Time {
  /** seconds since the epoch, may be negative */
  sec: number;
  nsec: number;
}

const FIRST_SECOND = Date.UTC(2000, 0, 1) / 1000 - 63_113_904_000;
const LAST_SECOND = 253_402_300_799;

let lastSecond = Number.NaN;
let lastText = '';

/** A time outside what the format can say becomes the nearest that it can. */
export function formatTime({ sec, nsec }: Time): string {
  if (sec !== lastSecond) {
    const clamped = Math.min(LAST_SECOND, Math.max(FIRST_SECOND, sec));
    lastText = new Date(clamped * 1000).toISOString().slice(0, -5);
    lastSecond = sec;
  }
  if (nsec === 0) return `${lastText}Z`;
  return `${lastText}.${nsec.toString().padStart(9, '0').replace(/0+$/, '')}Z`;
}

const PATTERN = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/** @throws TypeError when the text is not a time */
export function parseTime(text: string): Time {
  const found = PATTERN.exec(text);
  const milliseconds = found === null ? Number.NaN : Date.parse(found[1] + found[3]);
  if (found === null || Number.isNaN(milliseconds)) throw new TypeError('a time is not one');
  return { sec: Math.floor(milliseconds / 1000), nsec: Number((found[2] ?? '').padEnd(9, '0')) };
}
