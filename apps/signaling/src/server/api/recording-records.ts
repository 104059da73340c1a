/** Recordings as they are kept, read for the server API. */
import { createHash } from 'node:crypto';
import type { RedisClient } from '@tandem/service';
import {
  ComposedDocument,
  NodeDocument,
  prefixOf,
  prefixOfRoom,
  RECORDING_ID,
  RecordingDocument,
  type RecordingStore,
  readDocument,
  readRunning,
} from '@tandem/service/recordings';
import type { Recording, RecordingQuery } from './recording-schemas.ts';

export interface RecordingParts {
  readonly redis: RedisClient;
  readonly store: RecordingStore;
  /** Backends get an event when one is ready (recording-ends.ts). */
  readonly isTold: boolean;
}

/** A recording that no node has begun by then never was one, ms: its record in Redis is gone. */
const NEVER_BEGUN_MS = 180_000;
const DEFAULT_PAGE = 20;

/** @returns undefined when there is none @throws when the store or Redis is away */
export async function readRecording(
  { redis, store }: Pick<RecordingParts, 'redis' | 'store'>,
  roomId: string,
  id: string,
): Promise<Recording | undefined> {
  const prefix = prefixOf(roomId, id);
  const [about, composed, running, nodes] = await Promise.all([
    readDocument(store, `${prefix}recording.json`, RecordingDocument),
    readDocument(store, `${prefix}composed.json`, ComposedDocument),
    readRunning(redis, roomId),
    nodeDocuments(store, prefix),
  ]);
  if (!about) return undefined;
  const isRunning = running?.id === id;
  return {
    recordingId: id,
    roomId,
    status: statusOf(isRunning, nodes.length > 0, about.startedAt, composed),
    startedAt: new Date(about.startedAt).toISOString(),
    layout: about.layout ?? 'grid',
    startedBy: about.startedBy,
    ...(composed && !composed.error ? { durationSeconds: composed.durationMs / 1000 } : {}),
    ...(composed?.error ? { error: composed.error } : {}),
    files: (composed?.files ?? []).map(({ startMs, peerId, ...file }) => ({
      ...file,
      ...(peerId === undefined ? {} : { peerId }),
      kind: peerId === undefined ? 'composed' : 'track',
      startSeconds: startMs / 1000,
    })),
  };
}

function statusOf(
  isRunning: boolean,
  hasBegun: boolean,
  startedAt: number,
  composed: ComposedDocument | undefined,
): Recording['status'] {
  if (isRunning) return hasBegun ? 'recording' : 'starting';
  if (composed) return composed.error ? 'failed' : 'ready';
  return hasBegun || Date.now() - startedAt < NEVER_BEGUN_MS ? 'processing' : 'failed';
}

/** A node that has said nothing for this time is gone, ms (as the composer has it). */
const SILENT_MS = 120_000;

/** Does a media node still pass on what it has of it? It would be there again after it was deleted. */
export async function isBeingWritten({ store }: RecordingParts, roomId: string, id: string): Promise<boolean> {
  const nodes = await nodeDocuments(store, prefixOf(roomId, id));
  return nodes.some(({ endedAt, updatedAt }) => endedAt === undefined && Date.now() - updatedAt < SILENT_MS);
}

async function nodeDocuments(store: RecordingStore, prefix: string): Promise<NodeDocument[]> {
  const files = await store.list(prefix, { below: false });
  const names = files.filter(({ key }) => /\/node-\d+\.json$/.test(key));
  const documents = await Promise.all(names.map(({ key }) => readDocument(store, key, NodeDocument)));
  return documents.filter((document) => document !== undefined);
}

/** The latest first. */
export async function listRecordings(
  parts: RecordingParts,
  roomId: string,
  { limit, cursor }: RecordingQuery,
): Promise<{ recordings: Recording[]; nextCursor?: string }> {
  const isId = new RegExp(RECORDING_ID);
  const ids = (await parts.store.folders(prefixOfRoom(roomId))).filter((id) => isId.test(id)).reverse();
  const rest = cursor === undefined ? ids : ids.filter((id) => id < cursor);
  const page = rest.slice(0, Number(limit ?? DEFAULT_PAGE));
  const found = await Promise.all(page.map((id) => readRecording(parts, roomId, id)));
  const last = page.at(-1);
  return {
    recordings: found.filter((recording) => recording !== undefined),
    ...(last !== undefined && rest.length > page.length ? { nextCursor: last } : {}),
  };
}

export const etagOfRecording = (recording: Recording) =>
  `"${createHash('sha256').update(JSON.stringify(recording)).digest('base64url').slice(0, 22)}"`;
