/** CPU time and memory of other processes, from /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

/** CPU nanoseconds that all threads of `pid` have run (schedstat counts in ns; /proc/PID/stat only in 10 ms ticks). */
export function cpuNs(pid: number): number {
  let total = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // The thread ended between the two calls.
    }
  }
  return total;
}

/** Nanoseconds for which the main thread of `pid` could run and had no core: what others did to it. */
export function waitedNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]);
}

/** Resident memory of `pid` in KiB. */
export function rssKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
