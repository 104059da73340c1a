/** What a browser's trace says of the main thread of a page: its tasks, by the clock and by the processor's time. */

/** An event of Chromium's trace format; times in µs. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  /** Time of the processor in it. */
  readonly tdur?: number;
  readonly args?: { readonly data?: { readonly url?: string; readonly documentLoaderURL?: string } };
}

/** A task of the main thread, ms. */
export interface Task {
  /** After the navigation. */
  readonly at: number;
  readonly clock: number;
  readonly cpu: number;
  /** The longest thing in it: the event's name and its script. */
  readonly what: string;
}

/** Lighthouse takes a phone's processor for this much slower, and a task for blocking from here on, ms. */
const SLOWER = 4;
const BLOCKING_MS = 50;

/** The tasks of the page under `origin`, longest first. @throws Error when the trace has no navigation to it */
export function tasksOf(events: readonly TraceEvent[], origin: string): Task[] {
  const start = events
    .filter((e) => e.name === 'navigationStart' && e.args?.data?.documentLoaderURL?.startsWith(origin))
    .at(-1);
  if (!start) throw new Error(`no navigation to ${origin} in the trace`);
  const own = events.filter((e) => e.pid === start.pid && e.tid === start.tid && e.ph === 'X' && e.ts >= start.ts);
  return own
    .filter(({ name }) => name === 'RunTask')
    .map((task) => {
      const end = task.ts + (task.dur ?? 0);
      const inner = own
        .filter((e) => e !== task && e.ts >= task.ts && e.ts + (e.dur ?? 0) <= end)
        .sort((a, b) => (b.dur ?? 0) - (a.dur ?? 0))[0];
      const script = inner?.args?.data?.url?.split('/').at(-1) ?? '';
      return {
        at: (task.ts - start.ts) / 1000,
        clock: (task.dur ?? 0) / 1000,
        cpu: (task.tdur ?? 0) / 1000,
        what: `${inner?.name ?? ''} ${script}`.trim(),
      };
    })
    .sort((a, b) => b.clock - a.clock);
}

/**
 * How long tasks block on a phone, ms: what is over 50 ms of each task since the navigation, four times slower. Lighthouse's Total Blocking Time counts
 * those between the first paint and the time to interactive alone.
 */
export const blocked = (tasks: readonly number[]): number =>
  tasks.reduce((sum, ms) => sum + Math.max(0, ms * SLOWER - BLOCKING_MS), 0);
