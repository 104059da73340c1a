/** What a media node is started with, besides its settings. */
import type { Host } from '../../node-kit/host.ts';
import type { Say } from '../../node-kit/retry.ts';
import type { Engine } from './engine.ts';
import type { LoadSources } from './node-load.ts';

export interface MediaNodeOptions extends LoadSources {
  readonly host: Host;
  /** Starts one engine. The node runs two: when one dies the other takes its rooms. */
  readonly startEngine: (index: number) => Promise<Engine>;
  readonly say: Say;
  /** Access token for a room. Default: asked of auth. */
  readonly token?: (room: string) => Promise<string>;
  /** How often rooms, load and the instance are looked at, ms. Default 2000. The directory is written as often, and once a second at least. */
  readonly tickMs?: number;
  /** How often metrics are written when METRICS_STACK is set, ms. Default 60,000. */
  readonly metricsMs?: number;
  /** Takes each line of metrics. Default: standard output. */
  readonly writeMetrics?: (line: string) => void;
}
