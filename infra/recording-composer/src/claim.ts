/**
 * Of several composers one has a recording. Each writes a claim, then looks: who sees another one gives up its own. Two at once may both give up,
 * and never both go on, in any store that lists what was written before (S3 does: "Amazon S3 data consistency model"). Both come again later.
 */
import { randomUUID } from 'node:crypto';
import { type RecordingStore, waitingOf } from '@tandem/service/recordings';

/** A claim that was not written anew for this time is of a composer that is gone, ms. */
export const CLAIM_MS = 300_000;
const RENEW_MS = 60_000;

export interface Claim extends AsyncDisposable {
  /** Aborted when another composer has taken it. */
  readonly signal: AbortSignal;
  /** Asks the store. @throws when it is away */
  holds(): Promise<boolean>;
}

/** @returns undefined while another composer has it @throws when the store is away */
export async function claimRecording(store: RecordingStore, prefix: string): Promise<Claim | undefined> {
  const claims = `${waitingOf(prefix)}claims/`;
  const mine = `${claims}${randomUUID()}/`;
  const renew = () => store.put(`${mine}at`, '');
  const holds = async () => {
    const all = await store.list(claims);
    const own = all.find(({ key }) => key.startsWith(mine));
    // By the clock of the store alone.
    return own !== undefined && all.every((one) => one === own || one.at < own.at - CLAIM_MS);
  };
  await renew();
  if (!(await holds())) {
    await store.remove(mine);
    return undefined;
  }
  const lost = new AbortController();
  const timer = setInterval(() => {
    renew()
      .then(holds)
      .then((still) => still || lost.abort())
      // A store that is away for a while: a composer that takes it meanwhile is seen before anything is kept.
      .catch(() => {});
  }, RENEW_MS);
  return {
    signal: lost.signal,
    holds,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await store.remove(mine).catch(() => {});
    },
  };
}
