/** Allocations at every TURN URI that auth hands out, and packets from one allocation to another. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IceServer } from './deployment.ts';
import { type Allocation, allocate, type TurnUser } from './turn-client.ts';
import { parseTurnUri, type RelayTransport, type TurnUri } from './turn-uri.ts';

/** A packet may be lost: it is sent again after this time, ms. */
const REPEAT_MS = 250;

/** One URI with the credentials that came with it. */
export interface RelayOffer extends TurnUser {
  readonly uri: TurnUri;
}

/** Every TURN URI with credentials. @throws Error when one comes without */
export function relayOffers(servers: readonly IceServer[]): RelayOffer[] {
  return servers.flatMap(({ urls, username, credential }) =>
    [urls].flat().flatMap((text) => {
      const uri = parseTurnUri(text);
      if (!uri) return [];
      if (!username || !credential) throw new Error(`${text} comes without credentials`);
      return [{ uri, username, credential }];
    }),
  );
}

/** Allocate at each offer of one transport. @throws Error naming the URI that does not work */
export async function allocateAll(
  offers: readonly RelayOffer[],
  transport: RelayTransport,
  timeoutMs: number,
): Promise<Allocation[]> {
  const wanted = offers.filter(({ uri }) => uri.transport === transport);
  const settled = await Promise.allSettled(wanted.map((offer) => allocateAt(offer, timeoutMs)));
  const open = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (failed.length === 0) return open;
  await Promise.all(open.map((one) => one[Symbol.asyncDispose]()));
  throw failed[0];
}

export async function allocateAt(offer: RelayOffer, timeoutMs: number): Promise<Allocation> {
  try {
    return await allocate(offer.uri, offer, timeoutMs);
  } catch (error) {
    throw new Error(`${offer.uri.text}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Packets from each to the other, through both relays. @throws Error when one does not arrive */
export async function exchangePackets(a: Allocation, b: Allocation, timeoutMs: number): Promise<void> {
  await Promise.all([a.permit(b.relayed), b.permit(a.relayed)]);
  await sendUntilSeen(a, b, timeoutMs);
  await sendUntilSeen(b, a, timeoutMs);
}

async function sendUntilSeen(from: Allocation, to: Allocation, timeoutMs: number): Promise<void> {
  const packet = randomBytes(160);
  const seen = Promise.withResolvers<void>();
  to.onData = (data) => data.equals(packet) && seen.resolve();
  const over = new AbortController();
  const repeat = async () => {
    while (!over.signal.aborted) {
      from.send(to.relayed, packet);
      await sleep(REPEAT_MS, undefined, { signal: over.signal }).catch(() => undefined);
    }
  };
  const late = setTimeout(
    () => seen.reject(new Error(`no packet of ${from.relayed.address} reaches ${to.relayed.address}`)),
    timeoutMs,
  );
  try {
    void repeat();
    await seen.promise;
  } finally {
    over.abort();
    clearTimeout(late);
  }
}
