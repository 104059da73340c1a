import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PARTITIONS } from '@tandem/service/room-events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { topology } from '../topology/index.ts';
import { captions } from './captions.ts';
import { PRICES } from './costs.ts';
import { EVENTS, events } from './events.ts';
import { hlsViewers, largeRooms, streamViewers } from './large-rooms.ts';
import { MEASURED } from './measured.ts';
import { capacity, UNITS } from './model.ts';
import { recordedHour } from './recordings.ts';
import { ASSUMPTIONS, page, report } from './report.ts';

test('ten thousand peers: money is mostly TURN egress, near the $24 k of AWS.md', () => {
  const result = capacity({ peers: 10_000 });
  expect(result.monthly['TURN egress']).toBeGreaterThan(20_000);
  expect(result.monthly['TURN egress']).toBeLessThan(50_000);
  expect(result.signalingTasks).toBeGreaterThanOrEqual(topology.signaling.replicas.production);
  expect(capacity({ peers: 10_000, relayed: 0 }).monthly['TURN egress']).toBe(0);
});

test('more peers never need less of anything; one zone of three may fail', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000_000 }), fc.integer({ min: 0, max: 1_000_000 }), (peers, more) => {
      const few = capacity({ peers });
      const many = capacity({ peers: peers + more });
      for (const key of ['signalingTasks', 'authTasks', 'cacheShards', 'turnNodes', 'total'] as const)
        expect(many[key]).toBeGreaterThanOrEqual(few[key]);
      expect(Math.floor((few.signalingTasks * 2) / 3) + 1).toBeGreaterThanOrEqual(
        peers / UNITS.connectionsPerTask.value,
      );
    }),
  );
});

test('a million peers meets ceilings, and each says what lifts it', () => {
  const { ceilings } = capacity({ peers: 1_000_000 });
  expect(ceilings.length).toBeGreaterThan(1);
  for (const one of ceilings) expect(one).toContain('Lift:');
});

test('nonsense is refused by the name of the option', () => {
  expect(() => capacity({ peers: 0 })).toThrow(/--peers/);
  expect(() => capacity({ peers: 1, relayed: 2 })).toThrow(/--relayed/);
  expect(() => capacity({ peers: 1, hours: 0 })).toThrow(/--hours/);
});

test('each assumption names its source, what was measured its command, and docs/capacity.md is what they give', () => {
  for (const [name, one] of ASSUMPTIONS) expect(one.source.length, name).toBeGreaterThan(10);
  const root = join(import.meta.dirname, '../..');
  for (const { source } of Object.values(MEASURED)) {
    const [, bench = '', day = ''] = /^`npm run bench -- (\w+)[^`]*` of (\d{4}-\d\d-\d\d)/.exec(source) ?? [];
    expect(existsSync(join(root, `bench/${bench}.ts`)), source).toBe(true);
    expect(Date.parse(day), source).not.toBeNaN();
  }
  expect(report({ peers: 1000 })).toContain('Assumptions:');
  expect(readFileSync(join(root, 'docs/capacity.md'), 'utf8')).toBe(page());
});

test('what an idle stack costs is what the deployment page and the profile say', () => {
  const [development, production] = (['development', 'production'] as const).map((profile) =>
    Math.round(capacity({ peers: 1, profile }).total),
  ) as [number, number];
  const read = (file: string) => readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
  const dollars = (value: number) => `$${value.toLocaleString('en-US')}`;
  expect(read('docs/deployment-and-testing.md')).toContain(
    `Idle, development is ${dollars(development)} a month, production ${dollars(production)} (`,
  );
  expect(read('infra/src/profile.ts')).toContain(
    `about ${dollars(Math.round(development / 10) * 10)} a month when idle`,
  );
});

test('a dearer message means more tasks: the model rests on what was measured', () => {
  // 50 % of a processor, as scaling holds it.
  expect(UNITS.messagesPerTask.value * MEASURED.messageCpu.value).toBeLessThanOrEqual(500_000);
  expect(UNITS.messagesPerTask.value * MEASURED.messageCpu.value).toBeGreaterThan(499_000);
  const chatty = { peers: 1_000_000, roomSize: 16 };
  const { messagesPerSecond, signalingTasks } = capacity(chatty);
  expect(signalingTasks * UNITS.messagesPerTask.value).toBeGreaterThanOrEqual(messagesPerSecond * 1.5);
});

test('in large rooms egress is the money, and more people never need less', () => {
  const one = largeRooms(1000, 730);
  expect(one.egress).toBeGreaterThan(10 * one.nodesCost);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 0, max: 1_000_000 }), (people, more) => {
      const [few, many] = [largeRooms(people, 730), largeRooms(people + more, 730)];
      for (const key of ['mbps', 'nodes', 'egress', 'nodesCost'] as const)
        expect(many[key]).toBeGreaterThanOrEqual(few[key]);
    }),
  );
  expect(() => largeRooms(0, 730)).toThrow(/--large-rooms/);
});

test('events: two tasks at least, one that fails is made up for, and no size has more tasks than there are partitions', () => {
  expect(events(1, 730).tasks).toBe(topology.hooks.replicas.production);
  // 100,000 peers × 4 joins an hour × 3 events / 3,600 s, by hand.
  const many = events(100_000, 730);
  expect(many.webhooksPerSecond).toBeCloseTo(333.3, 1);
  expect((many.tasks * 2) / 3).toBeGreaterThanOrEqual(many.webhooksPerSecond / EVENTS.webhooksPerTask.value);
  expect(events(1_000_000, 730).tasks).toBeLessThanOrEqual(PARTITIONS);
  // 8 KB each at $0.045 a GB: $0.36 a million.
  const millions = (many.webhooksPerSecond * 3600 * 730) / 1e6;
  expect(many.traffic / millions).toBeCloseTo(0.36, 2);
});

test('a viewer of a stream costs its egress, and the more watch, the less each costs', () => {
  const [few, many] = [streamViewers(100, 200), streamViewers(10_000, 200)];
  // 100 viewers of 2.5 Mbit/s for an hour: 112.5 GB at the first price of the list.
  expect(few.egress).toBeCloseTo(112.5 * 0.09, 0);
  expect(many.egress).toBeGreaterThan(10 * many.nodesCost);
  expect(many.viewerHour).toBeLessThan(few.viewerHour);
});

test('a viewer of HLS costs what CloudFront does, reckoned by hand, and a room its share of a node', () => {
  // 2.6 Mbit/s ÷ 8 × 3,600 s = 1.17 GB; four requests a second, each an invocation of the function, of which two pass the web ACL.
  const { viewerHour, roomHour } = hlsViewers(1000);
  expect(viewerHour).toBeCloseTo(1.17 * 0.085 + 0.0144 + 0.00144 + 0.0072 * PRICES.wafRequests.value, 6);
  expect(roomHour).toBeCloseTo((0.3 / 2) * PRICES.mediaNode.value, 6);
});

test('recordings: an hour of two people, reckoned by hand; more people cost more of everything but the film', () => {
  const two = recordedHour(2);
  // (2 × 2 + 1.56) Mbit/s ÷ 8 × 3,600 s; 0.3 h on two processors; 180 parts of four tracks and a list.
  expect(two.gigabytes).toBeCloseTo(2.502, 6);
  expect(two.composer).toBeCloseTo(0.3 * (2 * 0.03238 + 4 * 0.00356), 6);
  expect(two.writes).toBeCloseTo((180 * 5 * 0.005) / 1000, 6);
  const many = recordedHour(25);
  for (const name of ['gigabytes', 'composer', 'writes', 'storage'] as const)
    expect(many[name]).toBeGreaterThan(two[name]);
  expect(many.download).toBe(two.download);
});

test('captions: a hundred microphones, reckoned by hand; two tasks at least', () => {
  expect(captions(1, 730).tasks).toBe(topology.captions.replicas.production);
  const hundred = captions(100, 730);
  expect(hundred.tasks).toBe(10);
  // 2 × $0.04048 + 16 × $0.004445 an hour, and $4 of logs a task.
  expect(hundred.tasksCost).toBeCloseTo(10 * (730 * 0.15208 + 4), 6);
  // 32 KB a second is 0.1152 GB an hour, at $0.02 and $0.008 a GB.
  expect(hundred.sound).toBeCloseTo(100 * 730 * 0.1152 * 0.028, 6);
});

test('the load balancer of large meshes is paid by its bytes', () => {
  // 10,000 peers × 4 joins an hour × 30 messages × 15 others × 1.2 KB, in and out: 43.2 GB an hour, against 3.3 LCUs of connections.
  expect(capacity({ peers: 10_000, roomSize: 16 }).lcuSteady).toBeCloseTo(43.2, 6);
});
