/** What a composer counts, for CloudWatch. */
import type { embeddedMetrics } from '../../node-kit/metrics.ts';

/** Of one recording. */
export function composerMetrics({ failed }: { readonly failed: boolean }): Parameters<typeof embeddedMetrics>[1] {
  return { recordings_composed: failed ? 0 : 1, recordings_failed: failed ? 1 : 0 };
}
