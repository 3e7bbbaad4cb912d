import { readFileSync } from 'node:fs';

/** Places in /proc/PID/stat behind the name of the command. */
const STATE = 0;
const THREADS = 17;

/**
 * Whether a process of this machine is at work: one that has died and waits for its parent to notice is not, and that
 * may take seconds, or for ever where the first process of a container does not look after orphans (proc_pid_stat(5)).
 */
export function isRunning(pid: number): boolean {
  if (!isThere(pid)) return false;
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // it has just gone; or /proc hides the processes of others, and the signal has to do
    return isThere(pid);
  }
  // the name, in brackets, may have brackets and spaces in it
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // the state is that of the first thread: others may still be in the middle of a write
  return !/[ZX]/.test(fields[STATE]) || Number(fields[THREADS]) > 1;
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
