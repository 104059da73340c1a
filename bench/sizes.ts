/** `npm run bench -- sizes`: pictures that stand still after their viewers have changed the size of them, again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { random } from '../packages/rtc/src/testing.ts';
import { startWorld, whole } from './lib/media-room.ts';

export const summary =
  'three people who change the size of each other’s pictures at random: views with a gap, and those that stay still';

/** Of each of a round: lines of the picture, as a page says them to `limitVideo`. */
const LINES = [90, 360, 1080] as const;
const CHANGES = 8;
/** Between two changes at most, and after the last one, ms: longer than a size that nobody wants any more is still sent. */
const BETWEEN_MS = 400;
const AFTER_MS = 3500;
/** A gap, and what stays still until the end of the round, ms. */
const GAP_MS = 700;
const STILL_MS = 1000;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '55' },
      seed: { type: 'string', default: '1' },
      fps: { type: 'string', default: '6' },
    },
  });
  const [rounds, chance] = [Number(values.rounds), random(Number(values.seed))];
  const below = (limit: number) => Math.floor(chance() * limit);
  await using stack = new AsyncDisposableStack();
  const names = ['p1', 'p2', 'p3'];
  const world = await startWorld(stack, names.length, Number(values.fps));
  await world.startNode('m1', 26_000);
  const pages = [];
  for (const name of names) pages.push(await world.enter(name));
  const lacks = await whole(pages, 'sfu');
  if (lacks) throw new Error(lacks);
  let [gapped, still] = [0, 0];
  for (let round = 1; round <= rounds; round++) {
    for (let change = 0; change < CHANGES; change++) {
      const viewer = below(names.length);
      const shown = names[(viewer + 1 + below(names.length - 1)) % names.length];
      await pages[viewer]?.evaluate(
        ({ name, lines }) => {
          const { call } = globalThis.harness;
          call?.limitVideo(lines, call.peers.find((peer) => peer.name === name)?.peerId);
        },
        { name: shown, lines: LINES[below(LINES.length)] },
      );
      await sleep(below(BETWEEN_MS));
    }
    const from = Date.now();
    await sleep(AFTER_MS);
    for (const page of pages) {
      const views = await page.evaluate((since) => globalThis.harness.moments(since), from - GAP_MS);
      for (const { frames } of views) {
        const times = [...frames, Date.now()];
        const longest = Math.max(...times.slice(1).map((time, i) => time - (times[i] ?? time)));
        if (Date.now() - (frames.at(-1) ?? from) > STILL_MS) still++;
        else if (longest > GAP_MS) gapped++;
      }
    }
  }
  const all = rounds * names.length * (names.length - 1);
  console.log(
    `${all} views: ${still} stand still ${STILL_MS} ms and longer at the end, ${gapped} had a gap of more than ${GAP_MS} ms`,
  );
}
