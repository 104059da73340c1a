/** Slices that alternate with slices of the reference, because only a ratio survives a noisy machine. */
import type { Load, Slice } from './load.ts';
import { fixed, median, table } from './stats.ts';

export interface Paired {
  readonly name: string;
  /** Median of (this slice / mean of the reference slices before and after it), CPU per message. */
  readonly ratio: number;
  /** Spread: quarter and three-quarter points of those ratios. */
  readonly low: number;
  readonly high: number;
  /** CPU-seconds per million messages, median of slices. */
  readonly cpuPerMillion: number;
  /** Messages a second while saturated, median of slices. */
  readonly rate: number;
}

const perMessage = (s: Slice) => s.cpuNs / s.messages;

/**
 * @param warmUp messages through each system before anything counts
 * @returns one row per load; the first is the reference
 */
export async function paired(
  loads: readonly Load[],
  rounds: number,
  slice: (load: Load) => Promise<Slice>,
  warmUp = 20_000,
): Promise<Paired[]> {
  const [reference, ...others] = loads as [Load, ...Load[]];
  const slices = new Map<Load, Slice[]>(loads.map((l) => [l, []]));
  const ratios = new Map<Load, number[]>(loads.map((l) => [l, []]));
  const take = async (load: Load, keep: boolean) => {
    const s = await slice(load);
    if (keep) slices.get(load)?.push(s);
    return s;
  };
  // Compilers need calls, not seconds: on a busy machine a slice is too few of them.
  for (const load of loads) for (let n = 0; n < warmUp; ) n += (await slice(load)).messages;
  // The first round is thrown away as well.
  for (let round = -1; round < rounds; round++) {
    let before = await take(reference, round >= 0);
    for (const load of others) {
      const own = await take(load, round >= 0);
      const after = await take(reference, round >= 0);
      if (round >= 0) ratios.get(load)?.push((2 * perMessage(own)) / (perMessage(before) + perMessage(after)));
      before = after;
    }
  }
  return loads.map((load) => {
    const all = slices.get(load) as Slice[];
    const r = [...(ratios.get(load) as number[])].sort((a, b) => a - b);
    return {
      name: load.system.name,
      ratio: load === reference ? 1 : median(r),
      low: load === reference ? 1 : (r[Math.floor(r.length / 4)] as number),
      high: load === reference ? 1 : (r[Math.floor((3 * r.length) / 4)] as number),
      cpuPerMillion: median(all.map(perMessage)) / 1000,
      rate: median(all.map((s) => (s.messages / s.wallMs) * 1000)),
    };
  });
}

/** One line for each system. */
export function pairedTable(rows: readonly Paired[]): string {
  return table([
    ['', 'CPU ratio', 'quartiles', 'CPU-s per million', 'messages/s at saturation'],
    ...rows.map((r) => [
      r.name,
      fixed(r.ratio),
      `${fixed(r.low)}–${fixed(r.high)}`,
      fixed(r.cpuPerMillion, 1),
      fixed(r.rate, 0),
    ]),
  ]);
}
