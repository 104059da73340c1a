/** What happened to encoders and viewers of this node since its last line of metrics. */

/** Longest wait for a first picture that is counted, ms: what a client says is not believed beyond. */
const MOST_MS = 60_000;

export interface StreamMetrics {
  /** Encoders that publish through this node, and viewers of its rooms, now. */
  readonly streams: number;
  readonly viewers: number;
  /** Rooms that are made HLS of, now. */
  readonly packagers: number;
  /** Requests of encoders and viewers that failed with 5xx. */
  readonly publishFailures: number;
  readonly watchFailures: number;
  /** Times that the packager ended by itself, or did nothing. */
  readonly packagerFailures: number;
  /** Mean of what viewers waited for their first picture, ms; undefined when no page spoke of one. */
  readonly firstPictureMs: number | undefined;
}

export class StreamCounts {
  /** Requests that failed with a status of 500 and more. */
  publishFailures = 0;
  watchFailures = 0;
  packagerFailures = 0;
  /** First pictures that viewers spoke of, and their waits together, ms. */
  firstPictures = 0;
  firstPictureMs = 0;
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
