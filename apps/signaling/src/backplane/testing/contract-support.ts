/** What the parts of the contract share. */
import { randomUUID } from 'node:crypto';
import type { RoomRules } from '../room-settings.ts';
import { type Backplane, type MemberRecord, type SessionRecord, userTag, type WriteMark } from '../types.ts';

/** A node's backplane, with the node's name. */
export type NodeBackplane = Backplane & { readonly name: string };
/** Gives a node's backplane on the shared state, started. */
export type StartBackplane = (name: string, onBatch?: (batch: string) => void) => Promise<NodeBackplane>;

export const ms = (n: number) => new Promise((resolve) => setTimeout(resolve, n));

/** What an owner of that epoch wrote first. */
export const at = (epoch: number, order = 1): WriteMark => ({ epoch, order });

export const member = (peerId: string, node: string, more: Partial<MemberRecord> = {}): MemberRecord => ({
  peerId,
  node,
  epoch: 1,
  order: 1,
  awayFor: 0,
  info: `{"userId":"${peerId}","loginSession":"l","metadata":{"name":"Ü {}|\\"x","list":[]}}`,
  ...more,
});

export const session = (peerId: string, node: string, more: Partial<SessionRecord> = {}): SessionRecord => ({
  peerId,
  node,
  epoch: 1,
  order: 1,
  secretHash: 'hash',
  userId: 'ada',
  loginSession: 'l',
  room: 'room',
  info: '{"userId":"ada","loginSession":"l"}',
  ...more,
});

export const peerOf = (userId: string) => randomUUID() + userTag(userId);

/** Sharing its login session with any number of others. */
export const openSession = (backplane: Backplane, s: SessionRecord) =>
  backplane.openSession(s, { userId: s.userId, loginSession: '' }, { limit: 0 });

export const OPEN_RULES: RoomRules = {
  ...{ maxPeers: 0, entry: 'open', closesAt: 0, endsAt: 0 },
  ...{ emptyMs: 60_000, keptUntil: 0 },
};

export const setRules = (backplane: Backplane, room: string, rules: Partial<RoomRules>, doc = '{}') =>
  backplane.writeSettings(room, { rules: { ...OPEN_RULES, ...rules }, doc }, 'any');

/** @returns true, or why not */
export async function enter(backplane: NodeBackplane, room: string, peerId: string, more: object = {}) {
  const rule = { limit: 9, loginSession: 'l', ...more };
  const result = await backplane.joinRoom(room, member(peerId, backplane.name), rule);
  return result.ok || result;
}
export const refused = (reason: string) => ({ ok: false, reason });
