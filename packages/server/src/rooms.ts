/** Rooms: their settings, and their end. */
import { randomUUID } from 'node:crypto';
import { type Api, type CallOptions, pathPart } from './api.ts';
import type { NewRoom, Room, RoomPatch } from './api-types.ts';
import type { HttpAnswer } from './http.ts';

/** A room with the `ETag` of its settings: people who come and go leave it as it is. */
export interface TaggedRoom extends Room {
  readonly etag: string;
}

/** How a room is created. */
export interface CreateRoomOptions extends CallOptions {
  /**
   * Names this wish: with the same key the same room is answered, for as long as it exists. Default: a new one for each call, which
   * covers the retries of that call.
   */
  readonly idempotencyKey?: string | undefined;
}

/** How a room is changed. */
export interface UpdateRoomOptions extends CallOptions {
  /** `etag` that was read: the change is refused (`etag_mismatch`) if the settings are other ones by now. */
  readonly ifMatch?: string | undefined;
}

/** Which rooms are listed. */
export interface ListRoomsOptions extends CallOptions {
  /** Beginning of the room ids. */
  readonly prefix?: string | undefined;
  /** Only rooms with that tag. */
  readonly tag?: string | undefined;
  /** Rooms fetched at once, 1 to 1000. Default 100. */
  readonly pageSize?: number | undefined;
}

/** Scopes `rooms:read` and `rooms:write`. */
export class Rooms {
  readonly #api: Api;
  /** @internal */
  constructor(api: Api) {
    this.#api = api;
  }

  /**
   * Create a room. Without `roomId` it gets a name that cannot be guessed.
   * @throws TandemError `room_exists`, `idempotency_key_reused`, `room_refused` and those of any call
   */
  async create(
    room: NewRoom = {},
    { idempotencyKey = randomUUID(), signal }: CreateRoomOptions = {},
  ): Promise<TaggedRoom> {
    const headers = { 'idempotency-key': idempotencyKey };
    return tagged(
      await this.#api.call({ method: 'POST', path: '/v1/rooms', headers, body: room, isRepeatable: true }, { signal }),
    );
  }

  /** @throws TandemError `room_unknown`: empty and not created */
  async get(roomId: string, options?: CallOptions): Promise<TaggedRoom> {
    return tagged(await this.#api.call({ method: 'GET', path: pathOf(roomId), isRepeatable: true }, options));
  }

  /** Rooms in use or created, fetched page by page as the loop goes on: each once. */
  async *list({ prefix, tag, pageSize, signal }: ListRoomsOptions = {}): AsyncGenerator<Room, void, undefined> {
    let cursor: string | undefined;
    do {
      const query = { prefix, tag, limit: pageSize, cursor };
      const { body } = await this.#api.call(
        { method: 'GET', path: '/v1/rooms', query, isRepeatable: true },
        { signal },
      );
      const page = body as { readonly rooms: readonly Room[]; readonly nextCursor?: string };
      yield* page.rooms;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  /**
   * Change settings; null takes one away, what is not named stays.
   * @throws TandemError `room_unknown`, `etag_mismatch`
   */
  async update(roomId: string, patch: RoomPatch, { ifMatch, signal }: UpdateRoomOptions = {}): Promise<TaggedRoom> {
    const call = {
      method: 'PATCH',
      path: pathOf(roomId),
      headers: { 'content-type': 'application/merge-patch+json', 'if-match': ifMatch },
      body: patch,
      // Of a conditional change whose answer was lost, a second try would be refused.
      isRepeatable: ifMatch === undefined,
    } as const;
    return tagged(await this.#api.call(call, { signal }));
  }

  /**
   * End a room: all are removed, and its settings go.
   * @throws TandemError `room_unknown`
   */
  async close(roomId: string, options?: CallOptions): Promise<void> {
    await this.#api.call({ method: 'DELETE', path: pathOf(roomId), isRepeatable: true }, options);
  }
}

export const pathOf = (roomId: string) => `/v1/rooms/${pathPart('roomId', roomId)}`;

const tagged = ({ body, etag = '' }: HttpAnswer): TaggedRoom => ({ ...(body as Room), etag });
