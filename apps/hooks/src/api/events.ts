/** The feed: events as JSON pages, or as they come (server-sent events). */
import type { BackendClaims } from '@tandem/protocol';
import { mayEnter } from '@tandem/protocol';
import { type BackendChecks, ProblemError, type RedisClient, readTime, requireRoom } from '@tandem/service';
import { partitionOf } from '@tandem/service/room-events';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type LoggedEvent, type Position, readLog, readPosition, writePosition } from '../event-log.ts';
import { EVENT_TYPES, OPT_IN_TYPE } from '../events/room-fold.ts';
import { backendOf } from './backend.ts';
import { EventPage, EventQuery, problems } from './schemas.ts';

interface Wanted {
  readonly after: Position;
  readonly partition: number | undefined;
  readonly isWanted: (event: LoggedEvent) => boolean;
}

export function eventRoutes(api: FastifyInstance, redis: RedisClient, streams: EventStreams): void {
  api.get<{ Querystring: EventQuery }>(
    '/events',
    {
      config: { scope: 'events:read' },
      schema: {
        tags: ['events'],
        summary: 'Events of rooms',
        description:
          'JSON pages; with `Accept: text/event-stream` a stream, from `Last-Event-ID`, `after` or now. Same ids and bodies as webhooks. Needs the scope events:read.',
        querystring: EventQuery,
        response: { 200: EventPage, ...problems() },
      },
    },
    async (request, reply) => {
      const claims = backendOf(request);
      const isStream = request.headers.accept?.includes('text/event-stream') === true;
      const last = request.headers['last-event-id'];
      const query =
        isStream && typeof last === 'string' && last !== '' ? { ...request.query, after: last } : request.query;
      const wanted = readQuery(query, claims, isStream);
      if (isStream) {
        streams.serve(reply, wanted, claims);
        return reply;
      }
      const { events, next, isMore } = await readLog(redis, { ...wanted, limit: Number(query.limit ?? 100) || 1 });
      // Bodies are JSON already.
      const bodies = events.filter(wanted.isWanted).map(({ body }) => body);
      return reply
        .type('application/json')
        .serializer((text: unknown) => String(text))
        .send(`{"events":[${bodies.join(',')}],"nextCursor":"${writePosition(next)}","more":${isMore}}`);
    },
  );
}

/** @throws ProblemError 400, 403 */
function readQuery(query: EventQuery, claims: BackendClaims, isStream: boolean): Wanted {
  const { roomId, types } = query;
  if (roomId !== undefined) requireRoom(claims, roomId, 'roomId');
  const wanted = types?.split(',').filter(Boolean) ?? [];
  const unknown = wanted.find((type) => !EVENT_TYPES.some((one) => one === type));
  if (unknown !== undefined)
    throw new ProblemError(400, 'invalid_field', `querystring/types: ${unknown} is none of ${EVENT_TYPES.join(', ')}`, {
      field: '/types',
    });
  return {
    after: readAfter(query.after, isStream),
    partition: roomId === undefined ? undefined : partitionOf(roomId),
    isWanted: ({ room, type }) =>
      (wanted.length === 0 ? type !== OPT_IN_TYPE : wanted.includes(type)) &&
      (roomId === undefined ? room === '' || mayEnter(claims, room) : room === roomId),
  };
}

function readAfter(after: string | undefined, isStream: boolean): Position {
  if (after === undefined) return [isStream ? Date.now() : 0, 0, 0];
  const position = readPosition(after);
  if (position) return position;
  const time = readTime(after);
  if (time !== undefined && time >= 0) return [time, 0, 0];
  throw new ProblemError(400, 'invalid_field', 'querystring/after is no cursor of a page and no RFC 3339 time', {
    field: '/after',
  });
}

/** How often the log is read for a stream, ms. */
const POLL_MS = 500;
/** A stream says that it lives, ms; below the idle timeouts on the way (60 s). */
const PING_MS = 15_000;
/** Events of one look. */
const AT_ONCE = 200;

export class EventStreams {
  readonly #redis: RedisClient;
  readonly #revocations: BackendChecks['revocations'];
  readonly #most: number;
  /** From the oldest to the newest, with their API key. */
  readonly #open = new Map<FastifyReply, string>();
  constructor(redis: RedisClient, revocations: BackendChecks['revocations'], most: number) {
    this.#redis = redis;
    this.#revocations = revocations;
    this.#most = most;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Ends all of them; clients come back to another task with their last id. */
  close(): void {
    for (const { raw } of this.#open.keys()) sendAway(raw);
  }

  /** @throws ProblemError 503 */
  serve(reply: FastifyReply, wanted: Wanted, claims: BackendClaims): void {
    if (this.#open.size >= this.#most && !this.#makeRoom(claims.session_id))
      throw new ProblemError(503, 'overloaded', 'This task has as many event streams as it serves.', { retryAfter: 5 });
    this.#open.set(reply, claims.session_id);
    reply.hijack();
    // Without a listener, a connection that breaks at the wrong moment would end the process.
    reply.raw.on('error', () => {});
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    // An id without an event: who loses the connection before the first one comes back to here.
    reply.raw.write(`retry: 1000\nid: ${writePosition(wanted.after)}\n\n`);
    void this.#run(reply, wanted, claims).finally(() => {
      this.#open.delete(reply);
      sendAway(reply.raw);
    });
  }

  /**
   * No API key takes the places of the others: the one with the most streams loses its newest one, whose client comes back
   * with its last id.
   * @returns false where `key` would then have as many as any other
   */
  #makeRoom(key: string): boolean {
    const counts = new Map<string, number>();
    for (const one of this.#open.values()) counts.set(one, (counts.get(one) ?? 0) + 1);
    const [most, count] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), [key, 0]);
    if ((counts.get(key) ?? 0) + 1 >= count) return false;
    const newest = [...this.#open].findLast(([, one]) => one === most)?.[0];
    if (!newest) return false;
    this.#open.delete(newest);
    sendAway(newest.raw);
    return true;
  }

  /** Until the client goes, the token ends or is revoked, or Redis is away: the client comes back with its last id. */
  async #run(
    { raw, request }: FastifyReply,
    { after, partition, isWanted }: Wanted,
    claims: BackendClaims,
  ): Promise<void> {
    const expiresAt = claims.exp * 1000;
    const isDone = () => isOver(raw) || Date.now() >= expiresAt || this.#revocations.isRevoked(claims);
    let position = after;
    let pingAt = Date.now() + PING_MS;
    try {
      while (!isDone()) {
        const { events, next } = await readLog(this.#redis, { after: position, limit: AT_ONCE, partition });
        if (isDone()) return;
        position = next;
        const text = events.filter(isWanted).map(({ position: at, type, body }) => {
          return `id: ${writePosition(at)}\nevent: ${type}\ndata: ${body}\n\n`;
        });
        const isIdle = text.length === 0 && Date.now() >= pingAt;
        if (text.length > 0 || isIdle) {
          pingAt = Date.now() + PING_MS;
          // A slow reader holds up only its own stream.
          if (!raw.write(isIdle ? `id: ${writePosition(position)}\n\n` : text.join(''))) await drained(raw, expiresAt);
        }
        if (events.length < AT_ONCE) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    } catch (error) {
      request.log.warn({ err: error }, 'event stream ended');
    }
  }
}

function sendAway(raw: FastifyReply['raw']): void {
  // What a client does not read would stay here for as long as it likes.
  if (raw.writableNeedDrain) raw.destroy();
  else raw.end();
}

/** The client is gone, or was sent away. */
const isOver = (raw: FastifyReply['raw']) => raw.destroyed || raw.writableEnded;

/** Longest delay of a timer, ms. */
const LONGEST_MS = 2 ** 31 - 1;

/** Until the client has read, is gone, or has no more time. */
function drained(raw: FastifyReply['raw'], until: number): Promise<void> {
  return new Promise((resolve) => {
    // Events that have passed do not come again.
    if (isOver(raw)) return resolve();
    const done = () => {
      clearTimeout(timer);
      raw.off('drain', done).off('close', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(until - Date.now(), LONGEST_MS));
    raw.on('drain', done).on('close', done);
  });
}
