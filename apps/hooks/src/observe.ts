/** What the outside sees of the service: metrics. */
import type { Metrics } from '@tandem/service';

export interface Counters {
  events: number;
  delivered: number;
  failed: number;
  dead: number;
  dropped: number;
}

export const newCounters = (): Counters => ({ events: 0, delivered: 0, failed: 0, dead: 0, dropped: 0 });

export interface Observed {
  readonly counters: Counters;
  readonly partitions: () => number;
  /** See Dispatcher. */
  readonly unreadMs: () => number;
  /** See Dispatcher. */
  readonly overdueMs: () => number;
  readonly streams: () => number;
}

export function exposeHooks(metrics: Metrics, { counters, partitions, unreadMs, overdueMs, streams }: Observed): void {
  const total = (name: keyof Counters, help: string) =>
    metrics.total(`tandem_hooks_${name}_total`, help, () => counters[name]);
  total('events', 'Events written to the log.');
  total('delivered', 'Webhooks that a receiver accepted.');
  total('failed', 'Tries that failed; each is repeated unless it was the last.');
  total('dead', 'Webhooks that were given up.');
  total('dropped', 'Changes that fell out of a full outbox, and events left out of a full queue.');
  metrics.gauge('tandem_hooks_partitions', 'Partitions that this task works on.', partitions);
  metrics.gauge(
    'tandem_hooks_unread_seconds',
    'Age of the oldest change that is no event yet, in the partitions of this task.',
    () => unreadMs() / 1000,
  );
  metrics.gauge(
    'tandem_hooks_overdue_seconds',
    'For how long the try of a webhook that waits most is due and not over; what a failed try is put off for does not count.',
    () => overdueMs() / 1000,
  );
  metrics.gauge('tandem_hooks_streams', 'Open event streams.', streams);
}
