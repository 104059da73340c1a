/** The operations on sessions and users of the embedded backplane; each is one step, as the scripts session-*.lua and identity-*.lua are. */
import type { MemoryStore, StoredSession } from './memory-store.ts';
import {
  ANSWER_TTL_MS,
  type ClaimResult,
  type ClaimRule,
  FORCED,
  type FoundSession,
  type IdentityKey,
  isLater,
  MAILBOX,
  type ParkResult,
  RECORD_TTL_MS,
  type ResumeResult,
  type SessionRecord,
  type SyncResult,
  TOMBSTONE_TTL_MS,
  type WriteMark,
} from './types.ts';

export function openSession(
  store: MemoryStore,
  session: SessionRecord,
  identity: IdentityKey,
  rule: ClaimRule,
): ClaimResult {
  const { peerId } = session;
  const result = claim(store, identity, peerId, rule);
  if (result.kind !== 'ours') return result;
  write(store, session);
  const { previous } = result;
  // Opened once more, as its answer was lost or given up: only this knows whom it has replaced.
  if (previous === peerId) return { kind: 'ours', previous: store.replacedBy(peerId) ?? previous };
  if (previous !== undefined)
    store.replaced.set(peerId, { peerId: previous, until: store.clock.now() + ANSWER_TTL_MS });
  return result;
}

export function resumeSession(
  store: MemoryStore,
  peerId: string,
  claimed: { readonly secretHash: string; readonly userId: string; readonly node: string },
): ResumeResult {
  const stored = store.session(peerId);
  if (!stored || stored.secretHash !== claimed.secretHash || stored.userId !== claimed.userId) return { ok: false };
  const {
    attached: _attached,
    until: _until,
    mailbox: _mailbox,
    mailboxBytes: _bytes,
    unread: _unread,
    ...record
  } = stored;
  const session = { ...record, node: claimed.node, epoch: stored.epoch + 1 };
  const frames = taken(store, stored);
  const written = write(store, session);
  if (frames.length > 0) written.unread = { frames, until: store.clock.now() + ANSWER_TTL_MS };
  return { ok: true, session, previousNode: stored.node, parked: frames };
}

export function detachSession(
  store: MemoryStore,
  peerId: string,
  { mark, node, graceMs }: { readonly mark: WriteMark; readonly node: string; readonly graceMs: number },
): void {
  const stored = store.session(peerId);
  if (!stored?.attached || stored.node !== node || isLater(stored, mark)) return;
  if (mark.order !== FORCED.order) stored.order = mark.order;
  stored.attached = false;
  stored.until = store.clock.now() + graceMs;
}

/** @param graceMs how long a detached session lives; undefined: it is attached */
export function syncSession(store: MemoryStore, session: SessionRecord, graceMs: number | undefined): SyncResult {
  const stored = store.session(session.peerId);
  if (store.isOver(session.peerId)) return { kind: 'fenced', by: undefined };
  // Of the same epoch on another node: the store lost this owner's resume and counted up to it again.
  const isOthers = stored && stored.epoch === session.epoch && stored.node !== session.node;
  if (stored && (stored.epoch > session.epoch || isOthers))
    return { kind: 'fenced', by: { node: stored.node, epoch: stored.epoch } };
  if (stored && isLater(stored, session)) return { kind: 'ours', parked: [] };
  const parked = graceMs === undefined ? taken(store, stored) : [];
  const record = write(store, session);
  if (graceMs !== undefined) {
    record.attached = false;
    record.until = Math.min(stored?.until ?? Infinity, store.clock.now() + graceMs);
    record.mailbox = stored?.mailbox ?? [];
    record.mailboxBytes = stored?.mailboxBytes ?? 0;
    record.unread = stored?.unread;
  }
  return { kind: 'ours', parked };
}

export function endSession(store: MemoryStore, peerId: string): { room: string; node: string } | undefined {
  const stored = store.session(peerId);
  if (!stored) return undefined;
  store.sessions.delete(peerId);
  store.tombstones.set(peerId, { until: store.clock.now() + TOMBSTONE_TTL_MS });
  return { room: stored.room, node: stored.node };
}

export function closeSession(store: MemoryStore, peerId: string, mark: WriteMark, identity: IdentityKey): boolean {
  const stored = store.session(peerId);
  if (stored && isLater(stored, mark)) return false;
  store.sessions.delete(peerId);
  release(store, identity, peerId);
  return true;
}

export function findSession(store: MemoryStore, peerId: string): FoundSession | undefined {
  const stored = store.session(peerId);
  if (!stored) return undefined;
  const { node, epoch, room, attached } = stored;
  return { node, epoch, room, attached };
}

export function park(store: MemoryStore, peerId: string, frames: readonly string[], deadNode?: string): ParkResult {
  const stored = store.session(peerId);
  if (!stored) return { kind: 'gone' };
  if (stored.attached && stored.node !== deadNode) return { kind: 'attached', node: stored.node };
  const bytes = frames.reduce((sum, f) => sum + Buffer.byteLength(f), 0);
  if (stored.mailbox.length + frames.length > MAILBOX.maxFrames || stored.mailboxBytes + bytes > MAILBOX.maxBytes)
    return { kind: 'full' };
  stored.mailbox.push(...frames);
  stored.mailboxBytes += bytes;
  return { kind: 'parked' };
}

/** Frames that the last who took them has not read, then those of the mailbox. */
function taken(store: MemoryStore, stored: StoredSession | undefined): string[] {
  const { unread, mailbox = [] } = stored ?? {};
  return [...(unread && unread.until > store.clock.now() ? unread.frames : []), ...mailbox];
}

/** By the owner of a session, who has heard the answer of its resume. */
export function claimAgain(store: MemoryStore, identity: IdentityKey, peerId: string, rule: ClaimRule): ClaimResult {
  const stored = store.session(peerId);
  if (stored) stored.unread = undefined;
  return claim(store, identity, peerId, rule);
}

function claim(
  store: MemoryStore,
  { userId, loginSession }: IdentityKey,
  peerId: string,
  { limit, expect }: ClaimRule,
): ClaimResult {
  const identity = `${userId}\n${loginSession}`;
  const previous = loginSession === '' ? undefined : store.holder(identity);
  // What it holds itself is no obstacle: its claim was answered, and the answer lost.
  const isOthers = previous !== undefined && previous !== peerId;
  if (expect !== undefined && isOthers && previous !== expect) return { kind: 'held', by: previous };
  const peerIds = store.places(userId)?.peerIds ?? new Set<string>();
  const others = [...peerIds].filter((other) => other !== peerId && other !== previous);
  if (limit > 0 && others.length >= limit) return { kind: 'full', others };
  if (previous !== undefined && previous !== peerId) peerIds.delete(previous);
  const until = store.clock.now() + RECORD_TTL_MS;
  store.users.set(userId, { peerIds: peerIds.add(peerId), until });
  if (loginSession !== '') store.identities.set(identity, { peerId, until });
  return { kind: 'ours', previous };
}

export function release(store: MemoryStore, { userId, loginSession }: IdentityKey, peerId: string): void {
  const identity = `${userId}\n${loginSession}`;
  if (store.holder(identity) === peerId) store.identities.delete(identity);
  const peerIds = store.places(userId)?.peerIds;
  peerIds?.delete(peerId);
  if (peerIds?.size === 0) store.users.delete(userId);
}

/** Writes a record: attached, with an empty mailbox. */
function write(store: MemoryStore, session: SessionRecord): StoredSession {
  const until = store.clock.now() + RECORD_TTL_MS;
  const stored = { ...session, attached: true, until, mailbox: [], mailboxBytes: 0 };
  store.sessions.set(session.peerId, stored);
  store.tombstones.delete(session.peerId);
  return stored;
}
