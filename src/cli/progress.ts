import type { SingleBar } from 'cli-progress';
import { size } from './output.ts';

/** A bar on standard error, where a person waits; nothing anywhere else. */
export interface Progress {
  update(done: number, total: number | undefined, what?: string): void;
  stop(): void;
}

const SILENT: Progress = { update: () => undefined, stop: () => undefined };

/** `unit` 'bytes' shows sizes, anything else counts. */
export async function showProgress(what: string, unit: string): Promise<Progress> {
  if (!process.stderr.isTTY) return SILENT;
  const { Presets, SingleBar } = await import('cli-progress');
  const bar: SingleBar = new SingleBar(
    {
      format: `{what} [{bar}] {percentage}%  {shown} of {shownTotal}`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      fps: 8,
      etaBuffer: 50,
    },
    Presets.legacy,
  );
  const show = (value: number) => (unit === 'bytes' ? size(value) : `${value.toLocaleString('en-US')} ${unit}`);
  const payload = (done: number, total: number, name: string) => ({
    what: name,
    shown: show(done),
    shownTotal: show(total),
  });
  bar.start(1, 0, payload(0, 0, what));
  return {
    update(done, total, name = what) {
      const known = Math.max(1, total ?? done);
      bar.setTotal(known);
      bar.update(Math.min(done, known), payload(done, total ?? done, name));
    },
    stop: () => bar.stop(),
  };
}
