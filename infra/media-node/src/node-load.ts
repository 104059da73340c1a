/** How much of itself a media node has in use, and what it writes of that for CloudWatch. */
import { availableParallelism, cpus } from 'node:os';
import { SentRate } from '../../node-kit/metrics.ts';
import type { MediaNodeConfig } from './config.ts';
import type { StreamMetrics } from './streams/stream-counts.ts';

/** Of one core: `npm run bench -- media` measured 2.8 to 4.0 ms of CPU a Mbit at 100 receivers, so 100 Mbit/s cost 0.3 to 0.4 of a core. */
const MBPS_A_CORE = 100;
/** Share of all cores at which packets begin to wait. */
const FULL_CPU = 0.8;

export interface LoadSources {
  /** Bytes that this host has sent; default: all interfaces but loopback. */
  readonly bytesSent?: () => Promise<number>;
  /** Share of all cores in use since the last call, 0 to 1. Default: of the host. */
  readonly cpu?: () => number;
}

export class NodeLoad {
  readonly #config: MediaNodeConfig;
  readonly #sent: SentRate;
  readonly #cpu: () => number;
  mbps = 0;
  /** Share of the node's capacity in use: the most of CPU, traffic, legs of people and viewers. Above 1 when overloaded. */
  load = 0;

  private constructor(config: MediaNodeConfig, sent: SentRate, cpu: () => number) {
    this.#config = config;
    this.#sent = sent;
    this.#cpu = cpu;
  }

  static async start(config: MediaNodeConfig, sources: LoadSources = {}): Promise<NodeLoad> {
    return new NodeLoad(config, await SentRate.start(sources.bytesSent), sources.cpu ?? cpuShare());
  }

  /** @param legs of the engines, those of viewers among them: viewers have a limit of their own */
  async read(legs: number, rooms: Iterable<{ readonly viewers: { readonly count: number } }>): Promise<void> {
    const viewers = [...rooms].reduce((sum, room) => sum + room.viewers.count, 0);
    this.mbps = await this.#sent.mbps();
    const { NODE_MBPS = MBPS_A_CORE * availableParallelism(), MAX_LEGS, MAX_VIEWERS } = this.#config;
    const people = Math.max(0, legs - viewers) / MAX_LEGS;
    const load = Math.max(this.#cpu() / FULL_CPU, this.mbps / NODE_MBPS, people, viewers / Math.max(1, MAX_VIEWERS));
    this.load = Number(load.toFixed(3));
  }
}

/** Share of all cores of this host that was in use since the last call. */
function cpuShare(): () => number {
  const read = () => {
    let [busy, all] = [0, 0];
    for (const { times } of cpus()) {
      const sum = times.user + times.nice + times.sys + times.irq + times.idle;
      all += sum;
      busy += sum - times.idle;
    }
    return { busy, all };
  };
  let before = read();
  return () => {
    const now = read();
    const share = now.all > before.all ? (now.busy - before.busy) / (now.all - before.all) : 0;
    before = now;
    return share;
  };
}

/** Names of what the node measures. */
export function mediaMetrics(
  values: Partial<StreamMetrics> & {
    readonly rooms: number;
    readonly legs: number;
    /** Undefined while the node takes no rooms: it would lower the average of those that do. */
    readonly load: number | undefined;
    readonly mbps: number;
    readonly serving: number;
    /** It drains, and its instance stays in service: for an update. */
    readonly draining: number;
    /** Since the line before. */
    readonly enginesLost: number;
    readonly roomsMoved: number;
  },
): Record<string, number | undefined> {
  return {
    media_rooms: values.rooms,
    media_legs: values.legs,
    media_load: values.load,
    media_mbps: values.mbps,
    media_serving: values.serving,
    media_draining: values.draining,
    media_streams: values.streams,
    media_viewers: values.viewers,
    media_publish_failures: values.publishFailures,
    media_watch_failures: values.watchFailures,
    media_packagers: values.packagers,
    media_packager_failures: values.packagerFailures,
    media_first_picture_ms: values.firstPictureMs,
    media_engines_lost: values.enginesLost,
    media_rooms_moved: values.roomsMoved,
  };
}
