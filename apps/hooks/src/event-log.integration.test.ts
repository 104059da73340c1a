/** Pages of the log over all partitions, however its events lie in them: in order, none twice, none left out. */
import { connectRedis } from '@tandem/service';
import { PARTITIONS } from '@tandem/service/room-events';
import { startRedis } from '@tandem/service/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Position, readLog } from './event-log.ts';
import { keys } from './keys.ts';

const EVENTS = 6400;
const BEGIN = 1_700_000_000_000;

/** Partition and time of each event, in any order. */
const layouts: Record<string, (i: number) => readonly [partition: number, ms: number]> = {
  'are spread evenly': (i) => [i % PARTITIONS, i * 3],
  'came in the same few moments': (i) => [(i * 29) % PARTITIONS, Math.floor(i / 900)],
  'are in one partition but for a few': (i) => [i % 40 === 0 ? (i / 40) % PARTITIONS : 17, i],
  'are in half of them': (i) => [(i * 7) % 32, i],
  'came one partition after the other': (i) => [63 - Math.floor(i / 100), i],
};

test.each(Object.keys(layouts))('events that %s', async (name) => {
  await using server = await startRedis();
  const redis = connectRedis(server.url);
  onTestFinished(() => redis.disconnect());
  const all: Position[] = [];
  const added = new Map<string, number>();
  const writes = redis.pipeline();
  for (let i = 0; i < EVENTS; i++) {
    const [partition, offset] = layouts[name]?.(i) ?? expect.fail();
    const at = `${partition} ${offset}`;
    const sequence = (added.get(at) ?? -1) + 1;
    added.set(at, sequence);
    const ms = BEGIN + offset;
    all.push([ms, partition, sequence]);
    writes.xadd(keys.log(partition), `${ms}-${sequence}`, 'i', 'e', 't', 'peer.left', 'r', 'a', 'b', '{}');
  }
  await writes.exec();
  all.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);

  let entries = 0;
  const xrange = redis.xrange.bind(redis) as (...args: unknown[]) => Promise<[string, string[]][]>;
  vi.spyOn(redis, 'xrange').mockImplementation((async (...args: unknown[]) => {
    const found = await xrange(...args);
    entries += found.length;
    return found;
  }) as typeof redis.xrange);
  for (const limit of [1, 30, 100, 500]) {
    const seen: Position[] = [];
    // Small pages are not walked through to the end.
    for (let after: Position = [0, 0, 0], isMore = true; isMore && seen.length < 60 * limit; ) {
      entries = 0;
      const page = await readLog(redis, { after, limit });
      expect(entries, `read for ${limit}`).toBeLessThanOrEqual(PARTITIONS * 4 + 6 * limit);
      expect(page.events).toHaveLength(Math.min(limit, EVENTS - seen.length));
      seen.push(...page.events.map(({ position }) => position));
      [after, isMore] = [page.next, page.isMore];
    }
    expect(seen).toEqual(all.slice(0, 60 * limit));
  }
});
