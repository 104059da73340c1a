/** A room as its backend wrote it: how it is kept beside its rules, changed, and shown. */
import { createHash } from 'node:crypto';
import { ProblemError, readTime } from '@tandem/service';
import type { NewSettings, RoomDescription, RoomRules } from '../../backplane/room-settings.ts';
import { isMediaPeer } from '../../backplane/types.ts';
import { MAX_METADATA_BYTES, type Room, type RoomBody, type RoomPatch } from './schemas.ts';

type Settings = Omit<RoomBody, 'roomId'>;

/** What is kept as `doc`. */
export interface RoomDocument extends Settings {
  /** ISO 8601. */
  readonly createdAt: string;
  /** Id of the API key. */
  readonly createdBy: string;
  /** What moderators of the room keep to themselves: theirs to change, and not shown. */
  readonly restricted?: RoomRules['restricted'];
  /** Hash of the Idempotency-Key that it was created with, and of that body. */
  readonly request?: { readonly key: string; readonly body: string };
}

const DAY_MS = 86_400_000;
/** Furthest time of a room, ms from now: a year. */
const FURTHEST_MS = 366 * DAY_MS;

export const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url');

/** The same for the same JSON, however its keys are ordered: clients in other languages keep no order of a map. */
export function requestHash(body: object): string {
  return sha256(
    JSON.stringify(body, (_key, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    ),
  );
}

/** @throws ProblemError 400 naming the field */
export function settingsOf(doc: RoomDocument, now: number): NewSettings {
  const size = Buffer.byteLength(JSON.stringify(doc.metadata ?? {}));
  if (size > MAX_METADATA_BYTES)
    throw new ProblemError(400, 'invalid_field', `body/metadata may have ${MAX_METADATA_BYTES} bytes as JSON`, {
      field: '/metadata',
    });
  const expiresAt = timeOf('expiresAt', doc.expiresAt, now);
  const endsAt = timeOf('endAt', doc.endAt, now);
  const last = Math.max(expiresAt, endsAt);
  const { emptyTimeoutSeconds } = doc;
  const isTimed = last > 0 && emptyTimeoutSeconds === undefined;
  const rules: RoomRules = {
    maxPeers: doc.maxPeers ?? 0,
    entry: doc.locked ? 'locked' : doc.waitingRoom ? 'ask' : 'open',
    ...(doc.restricted === undefined ? {} : { restricted: doc.restricted }),
    closesAt: Math.min(expiresAt || Infinity, endsAt || Infinity, Number.MAX_SAFE_INTEGER) % Number.MAX_SAFE_INTEGER,
    endsAt,
    emptyMs: isTimed ? 1000 : (emptyTimeoutSeconds ?? DAY_MS / 1000) * 1000,
    keptUntil: isTimed ? last + DAY_MS : 0,
  };
  return { rules, doc: JSON.stringify(doc) };
}

/** ms since the epoch; 0: none. RFC 3339 with a time zone. */
function timeOf(name: string, text: string | undefined, now: number): number {
  if (text === undefined) return 0;
  const at = readTime(text);
  const refuse = (why: string) => new ProblemError(400, 'invalid_field', `body/${name} ${why}`, { field: `/${name}` });
  if (at === undefined) throw refuse('is no RFC 3339 time, such as 2026-12-01T15:00:00Z');
  if (at > now + FURTHEST_MS) throw refuse('is more than a year away');
  return Math.max(1, at);
}

/** A merge patch (RFC 7396) on the settings. */
export function patched(doc: RoomDocument, patch: RoomPatch): RoomDocument {
  return mergePatch(doc, patch) as RoomDocument;
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch))
    if (value === null) delete result[name];
    // Not by assignment: `__proto__` would be the prototype.
    else Object.defineProperty(result, name, { ...PLAIN, value: mergePatch(result[name], value) });
  return result;
}
const PLAIN = { configurable: true, enumerable: true, writable: true };
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function documentOf({ settings }: RoomDescription): RoomDocument | undefined {
  return settings && (JSON.parse(settings.doc) as RoomDocument);
}

/** The room as the API shows it. */
export function represent(roomId: string, description: RoomDescription): Room {
  const { firstVersion, startedAt, peerIds } = description;
  const { request: _request, createdBy: _createdBy, restricted: _restricted, ...doc } = documentOf(description) ?? {};
  return {
    locked: false,
    waitingRoom: false,
    metadata: {},
    tags: [],
    ...doc,
    roomId,
    ...(peerIds.length > 0 ? { sid: String(firstVersion), startedAt: new Date(startedAt).toISOString() } : {}),
    numPeers: peerIds.filter((peerId) => !isMediaPeer(peerId)).length,
  };
}

/** Of the settings: members come and go without a new one. */
export const etagOf = ({ settings }: RoomDescription) => `"${settings?.revision ?? 0}"`;
