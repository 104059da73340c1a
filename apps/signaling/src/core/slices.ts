/** Does the same for many, some at a time: neither one by one over thousands of round trips, nor all in one burst. */
const SLICE = 100;

/**
 * One that fails keeps no other from its turn, as it may be of the one shard of the store that is away. When a whole slice fails, all of it is.
 * @throws the first error, at the end
 */
export async function inSlices<T>(items: Iterable<T>, work: (item: T) => Promise<unknown>): Promise<void> {
  const all = [...items];
  const errors: unknown[] = [];
  for (let at = 0; at < all.length; at += SLICE) {
    const slice = all.slice(at, at + SLICE);
    const failed = (await Promise.allSettled(slice.map(work))).filter((done) => done.status === 'rejected');
    errors.push(...failed.map(({ reason }) => reason as unknown));
    if (failed.length === slice.length) break;
  }
  if (errors.length > 0) throw errors[0];
}
