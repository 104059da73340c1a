/** Recordings of rooms, and their files. */
import { type Api, type ApiCall, type CallOptions, pathPart } from './api.ts';
import type { Recording } from './api-types.ts';
import { pathOf as pathOfRoom } from './rooms.ts';

/** How a room is recorded. */
export interface StartRecordingOptions extends CallOptions {
  /** Of the film: all people alike, or who speaks large and the others beside. Default `grid`. */
  readonly layout?: Recording['layout'];
}

/** How recordings are listed. */
export interface ListRecordingsOptions extends CallOptions {
  /** Recordings fetched at once, 1 to 100. Default 100. */
  readonly pageSize?: number | undefined;
}

/** Scopes `recordings:read` and `recordings:write`. Every method: TandemError `recordings_off` where the deployment keeps none. */
export class Recordings {
  readonly #api: Api;
  /** @internal */
  constructor(api: Api) {
    this.#api = api;
  }

  /**
   * Record a room; everybody in it sees that. Of a room that is recorded already, that recording is answered.
   * @param options `layout`: how the film shows people, all alike (`grid`, the default) or who speaks large (`speaker`)
   * @throws TandemError `room_empty`, `room_encrypted`
   */
  async start(roomId: string, options: StartRecordingOptions = {}): Promise<Recording> {
    const { layout, ...call } = options;
    return (await this.#call('POST', pathOf(roomId), call, { layout })) as Recording;
  }

  /** It is over; its files come some time later. @throws TandemError `recording_unknown` */
  async stop(roomId: string, recordingId: string, options?: CallOptions): Promise<Recording> {
    return (await this.#call('POST', `${pathOf(roomId, recordingId)}/stop`, options)) as Recording;
  }

  /** The latest first, also of earlier rooms of that name, fetched page by page as the loop goes on. */
  async *list(
    roomId: string,
    { pageSize = 100, signal }: ListRecordingsOptions = {},
  ): AsyncGenerator<Recording, void, undefined> {
    let cursor: string | undefined;
    do {
      const page = (await this.#call('GET', pathOf(roomId), { signal }, { limit: pageSize, cursor })) as {
        readonly recordings: readonly Recording[];
        readonly nextCursor?: string;
      };
      yield* page.recordings;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  /** @throws TandemError `recording_unknown` */
  async get(roomId: string, recordingId: string, options?: CallOptions): Promise<Recording> {
    return (await this.#call('GET', pathOf(roomId, recordingId), options)) as Recording;
  }

  /** Its bytes, as they arrive: read them to the end, leave the loop, or abort `signal`. @throws TandemError `recording_unknown`, also while it is read */
  file(roomId: string, recordingId: string, name: string, options?: CallOptions): Promise<AsyncIterable<Uint8Array>> {
    const path = `${pathOf(roomId, recordingId)}/files/${pathPart('name', name)}`;
    return this.#api.open({ path, accept: '*/*' }, options);
  }

  /** Its files are gone for good. @throws TandemError `recording_unknown`, `recording_running`: stop it first, and wait for `ready` */
  async delete(roomId: string, recordingId: string, options?: CallOptions): Promise<void> {
    await this.#call('DELETE', pathOf(roomId, recordingId), options);
  }

  async #call(method: ApiCall['method'], path: string, options?: CallOptions, query: ApiCall['query'] = {}) {
    const { body } = await this.#api.call({ method, path, query, isRepeatable: true }, options);
    return body;
  }
}

function pathOf(roomId: string, recordingId?: string): string {
  const all = `${pathOfRoom(roomId)}/recordings`;
  return recordingId === undefined ? all : `${all}/${pathPart('recordingId', recordingId)}`;
}
