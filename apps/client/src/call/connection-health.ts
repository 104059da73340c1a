import type { Grade, PairQuality, Trouble, TroubleCode } from '@tandem/rtc';

/** What this device or its own connection causes, whatever the other end is. */
const MINE: ReadonlySet<TroubleCode> = new Set(['uplink', 'cpu']);
const RANK = { good: 0, fair: 1, poor: 2 } as const;

/**
 * Whose connection is at fault. `mine`: most legs are bad, or this device says so itself. `between`: there is one leg, and its two ends
 * cannot be told apart. `theirs`: some legs are bad, most are good.
 */
export type Fault = 'none' | 'mine' | 'between' | 'theirs';

export interface ConnectionHealth {
  /** Of my own connection; with one other person, of the leg between us. Undefined until something was measured. */
  readonly grade: Grade | undefined;
  readonly fault: Fault;
  /** Causes of `grade`. */
  readonly trouble: readonly Trouble[];
  /** Ids of those whose own connection is bad. */
  readonly weak: readonly string[];
}

interface Leg {
  readonly id: string;
  readonly quality: PairQuality | undefined;
}

/** My connection, told apart from that of each other person by how many legs are bad at once. */
export function connectionHealth(peers: readonly Leg[]): ConnectionHealth {
  const legs = peers.flatMap(({ id, quality }) => (quality ? [{ id, ...quality }] : []));
  const bad = legs.filter(({ grade }) => grade !== 'good').sort((a, b) => RANK[b.grade] - RANK[a.grade]);
  const own = distinct(legs.flatMap(({ trouble }) => trouble.filter(({ code }) => MINE.has(code))));
  if (legs.length === 0) return { grade: undefined, fault: 'none', trouble: [], weak: [] };
  const [first] = legs;
  if (legs.length === 1 && first) {
    const fault = first.trouble.length === 0 && first.grade === 'good' ? 'none' : own.length > 0 ? 'mine' : 'between';
    return { grade: first.grade, fault, trouble: first.trouble, weak: first.grade === 'poor' ? [first.id] : [] };
  }
  if (bad.length * 2 > legs.length) {
    // The grade that more than half of the legs have at least.
    const grade = bad[Math.floor(legs.length / 2)]?.grade ?? 'fair';
    return { grade, fault: 'mine', trouble: distinct(bad.flatMap(({ trouble }) => trouble)), weak: [] };
  }
  const weak = bad.filter(({ grade }) => grade === 'poor').map(({ id }) => id);
  if (own.length > 0) return { grade: 'fair', fault: 'mine', trouble: own, weak };
  return { grade: 'good', fault: bad.length > 0 ? 'theirs' : 'none', trouble: [], weak };
}

/** One of each cause, with the worst figure. */
function distinct(list: readonly Trouble[]): Trouble[] {
  const worst = new Map<TroubleCode, Trouble>();
  for (const one of list) if (one.value >= (worst.get(one.code)?.value ?? -1)) worst.set(one.code, one);
  return [...worst.values()];
}
