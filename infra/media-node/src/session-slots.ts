/** Which slot each media section of an offer carries. */
import { SLOTS, type Slot } from './engine.ts';

/** The first audio section, the first and the second video section, in the order of packages/rtc; those that send nothing are left out. */
export function slotsOf(sdp: string): Map<Slot, string> {
  const free: Record<'audio' | 'video', Slot[]> = { audio: ['audio'], video: ['video', 'screen'] };
  const found = new Map<Slot, string>();
  for (const section of sdp.split(/^(?=m=)/m).slice(1)) {
    const [, kind, port] = /^m=(audio|video) (\d+)/.exec(section) ?? [];
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1];
    if (!kind || mid === undefined) continue;
    const slot = free[kind as 'audio' | 'video'].shift();
    // With bundle-only, port 0 refuses nothing (RFC 9143 section 7.2.1): so Firefox offers all sections but the first.
    const isOpen = port !== '0' || /^a=bundle-only\s*$/m.test(section);
    const isSent = isOpen && !/^a=(inactive|recvonly)\s*$/m.test(section);
    if (slot && isSent) found.set(slot, mid);
  }
  return new Map(SLOTS.flatMap((slot): [Slot, string][] => (found.has(slot) ? [[slot, found.get(slot) ?? '']] : [])));
}

/** An offer whose bundle-only sections have a port like the others. Janus takes port 0 for refused, also there, and refuses it in its answer. */
export function withPorts(sdp: string): string {
  return sdp
    .split(/^(?=m=)/m)
    .map((section) => (/^a=bundle-only\s*$/m.test(section) ? section.replace(/^(m=\S+) 0 /, '$1 9 ') : section))
    .join('');
}

/**
 * Whether each section has one name of its own, or none. Of two lines VideoRoom takes the last, and a whole line, where others take the
 * first word of the first; and all who subscribe to what it does not know by that name are refused.
 */
export function hasPlainMids(sdp: string): boolean {
  const sections = sdp.split(/^(?=m=)/m).slice(1);
  const mids = sections.map((section) => section.split(/[\r\n]+/).filter((line) => /^\s*a\s*=\s*mid\b/i.test(line)));
  // token of RFC 8866 section 9, which RFC 5888 section 4 asks for.
  const isPlain = (line: string) => /^a=mid:[\w!#$%&'*+.^`{|}~-]{1,64}$/.test(line);
  const all = mids.flat();
  return mids.every((lines) => lines.length <= 1) && all.every(isPlain) && new Set(all).size === all.length;
}
