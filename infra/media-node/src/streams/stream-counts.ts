/** What happened to encoders and viewers of this node since its last line of metrics. */

/** Longest wait for a first picture that is counted, ms: what a client says is not believed beyond. */
const MOST_MS = 60_000;

export interface StreamMetrics {
  /** Encoders that publish through this node, and viewers of its rooms, now. */
  readonly streams: number;
  readonly viewers: number;
  /** Rooms that are made HLS of, now. */
  readonly packagers: number;
  /** Requests of encoders that failed with 5xx. */
  readonly publishFailures: number;
  /** Requests with which viewers got nothing to see, refused with 5xx: sessions of WHEP and playlists of HLS. */
  readonly watchFailures: number;
  /** Times that the packager ended by itself, or did nothing. */
  readonly packagerFailures: number;
  /** Mean of what viewers waited for their first picture, ms; undefined when no page spoke of one. */
  readonly firstPictureMs: number | undefined;
}

export class StreamCounts {
  readonly #hasHls: boolean;
  publishFailures = 0;
  watchFailures = 0;
  packagerFailures = 0;
  /** First pictures that viewers spoke of, and their waits together, ms. */
  firstPictures = 0;
  firstPictureMs = 0;

  /** @param options `hasHls`: viewers past the limit of the node get HLS */
  constructor({ hasHls }: { readonly hasHls: boolean }) {
    this.#hasHls = hasHls;
  }

  /** @returns what the line says, and counts anew; `firstPictureMs`: their mean, undefined without any */
  take(): Omit<StreamMetrics, 'streams' | 'viewers' | 'packagers'> {
    const { publishFailures, watchFailures, packagerFailures, firstPictures, firstPictureMs } = this;
    [this.publishFailures, this.watchFailures, this.packagerFailures] = [0, 0, 0];
    [this.firstPictures, this.firstPictureMs] = [0, 0];
    return {
      publishFailures,
      watchFailures,
      packagerFailures,
      firstPictureMs: firstPictures > 0 ? firstPictureMs / firstPictures : undefined,
    };
  }

  /** A request failed with a status of 500 and more. @param asked for: `hls` is a playlist */
  failed(asked: 'whip' | 'whep' | 'hls', code: string): void {
    switch (asked) {
      case 'whip':
        this.publishFailures++;
        return;
      case 'whep':
        // Then the viewer asks for the playlist.
        if (code !== 'busy' || !this.#hasHls) this.watchFailures++;
        return;
      case 'hls':
        // Without HLS the session was counted, after whose refusal a page asks here. `starting`: the player asks again.
        if (this.#hasHls && code !== 'starting') this.watchFailures++;
        return;
      default:
        asked satisfies never;
    }
  }

  readonly #said = new WeakSet<object>();

  /**
   * A viewer's page says once how long it waited.
   * @param session to which it belongs @param said by the client; anything else than a whole number of ms counts as nothing
   */
  firstPicture(session: object, said: unknown): void {
    if (typeof said !== 'string' || !/^\d{1,5}$/.test(said) || Number(said) > MOST_MS || this.#said.has(session))
      return;
    this.#said.add(session);
    this.firstPictures++;
    this.firstPictureMs += Number(said);
  }
}
