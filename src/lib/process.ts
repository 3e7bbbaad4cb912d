import { readFileSync } from 'node:fs';

/**
 * Whether a process of this machine is at work: one that has died and waits for its parent to notice is not, and that
 * may take seconds, or for ever where the first process of a container does not look after orphans (proc_pid_stat(5)).
 */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // the name of the command, in brackets, may have brackets and spaces in it
    const state = stat.charAt(stat.lastIndexOf(')') + 2);
    return state !== 'Z' && state !== 'X';
  } catch (error) {
    // where /proc is not, or hides the processes of others, the signal has to do
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
