/** `npm run bench -- cuts`: how long packets of a media node go on after a person is put out of its room, or may not be heard there any more. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { SignalingSession } from '@tandem/rtc';
import { connectRedis, publishRevocation } from '@tandem/service';
import type { MediaPeer } from '../test/support/media-peer.ts';
import type { MediaStack } from '../test/support/media-stack.ts';
import { fixed, median, table } from './lib/stats.ts';

export const summary =
  'from kick, closed room, taken right to publish, revocation and end of a token to the last packet of a media node';

/** Most time until the last packet, ms. */
const GOAL_MS = 1000;
/** Packets come every 20 ms: after this time without one there is none any more, ms. */
const QUIET_MS = 2000;
/** The last packet came within this time: they come, ms. */
const FLOWS_MS = 200;
/** Two people have each other's media by then, ms. */
const CONNECTED_MS = 20_000;
/** Of a token that is to end, s: longer than two people take to connect. */
const TOKEN_SECONDS = 8;

/** Two people who have each other's media. */
interface Pair {
  readonly stack: MediaStack;
  readonly room: string;
  /** A moderator. */
  readonly ada: MediaPeer;
  /** Whom it is about. */
  readonly bob: MediaPeer;
}
interface Way {
  readonly name: string;
  /** Bob's token ends. */
  readonly expires?: true;
  /** Bob goes on receiving. */
  readonly listens?: true;
  readonly happen: (pair: Pair) => unknown;
}

const idOf = ({ session }: MediaPeer) => session.peerId ?? '';

const WAYS: readonly Way[] = [
  { name: 'kicked', happen: ({ ada, bob }) => void ada.session.kick(idOf(bob)) },
  // The room that ends takes its answer with it.
  { name: 'room closed', happen: ({ ada }) => void ada.session.closeRoom().catch(() => undefined) },
  {
    name: 'may only watch',
    listens: true,
    happen: ({ ada, bob }) => void ada.session.grant(idOf(bob), { publish: false }),
  },
  { name: 'revoked', happen: revoke },
  { name: 'token over', expires: true, happen: () => {} },
];

async function revoke({ stack, room }: Pair): Promise<void> {
  const redis = connectRedis(stack.redis.url);
  const seconds = Math.floor(Date.now() / 1000);
  await publishRevocation(redis, { kind: 'user', id: `${room}-bob`, exp: seconds + 3600, at: seconds + 1 });
  redis.disconnect();
}

/** @returns ms until the last packet to bob and the last one of bob's */
async function cut(stack: MediaStack, way: Way, room: string): Promise<[to: number, of: number]> {
  const { joinMedia } = await import('../test/support/media-peer.ts');
  const end = Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
  const enter = async (name: string, grants: object, claims: object) => {
    const token = stack.keys.token(`${room}-${name}`, grants, { session_id: `${room}-${name}`, ...claims });
    // There is no other one after it.
    const tokens = [token];
    const getToken = () => tokens.shift() ?? new Promise<string>(() => {});
    return await joinMedia(new SignalingSession({ url: stack.url, getToken }), room, `${room}-${name}`);
  };
  const [ada, bob] = await Promise.all([
    enter('ada', { kick: true }, {}),
    enter('bob', {}, way.expires ? { exp: end } : {}),
  ]);
  try {
    const flows = () => Date.now() - Math.min(ada.receiver.lastAt, bob.receiver.lastAt) < FLOWS_MS;
    const deadline = performance.now() + CONNECTED_MS;
    while (!flows()) {
      if (performance.now() > deadline) throw new Error(`${room}: no packets both ways in ${CONNECTED_MS} ms`);
      await sleep(20);
    }
    await sleep(way.expires ? Math.max(0, end * 1000 - Date.now() - FLOWS_MS) : 500);
    if (!flows()) throw new Error(`${room}: packets had stopped before it`);
    await sleep(way.expires ? Math.max(0, end * 1000 - Date.now()) : 0);
    const from = way.expires ? end * 1000 : performance.timeOrigin + performance.now();
    await way.happen({ stack, room, ada, bob });
    const ends = way.listens ? [ada] : [ada, bob];
    const last = () => Math.max(...ends.map(({ receiver }) => receiver.lastAt));
    while (Date.now() - Math.max(from, last()) < QUIET_MS) await sleep(20);
    const after = ({ receiver }: MediaPeer) => Math.max(0, receiver.lastAt - from);
    return [way.listens ? Number.NaN : after(bob), after(ada)];
  } finally {
    for (const one of [ada, bob]) one.close();
  }
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: 'string', default: '5' }, only: { type: 'string' } },
  });
  const { startMediaStack } = await import('../test/support/media-stack.ts');
  await using stack = await startMediaStack({ from: 2 });
  await stack.mediaNode('m1', 30_000);
  const rows = [['ms', 'to that person: median', 'worst', 'of that person: median', 'worst', 'goal', '']];
  for (const way of WAYS) {
    if (values.only && !way.name.includes(values.only)) continue;
    const rounds: [number, number][] = [];
    for (let n = 0; n < Number(values.rounds); n++)
      rounds.push(await cut(stack, way, `${way.name.replaceAll(' ', '-')}-${n}`));
    const [to, of] = [0, 1].map((i) => rounds.map((round) => round[i] as number)) as [number[], number[]];
    const worst = Math.max(...of, ...to.filter(Number.isFinite));
    const cells = [to, of].flatMap((all) => [fixed(median(all), 0), fixed(Math.max(...all), 0)]);
    rows.push([way.name, ...cells, String(GOAL_MS), worst <= GOAL_MS ? 'met' : 'MISSED']);
  }
  console.log(table(rows));
  (await import('node-datachannel')).cleanup();
}
