import { expect, test } from 'vitest';
import type { Member } from './member.ts';
import { QualityReadings, type QualityReadingsHost } from './quality-readings.ts';
import { VirtualTime } from './testing.ts';

test('a member whose statistics never come keeps nobody else’s from coming (Firefox: a connection closed meanwhile)', async () => {
  const read: string[] = [];
  const member = (name: string, measure: () => Promise<undefined>) =>
    [name, { info: { peerId: name }, measure: () => (read.push(name), measure()) } as unknown as Member] as const;
  const members = new Map([
    member('closed meanwhile', () => new Promise(() => {})),
    member('other', async () => undefined),
  ]);
  const clock = new VirtualTime();
  const readings = new QualityReadings({ clock, members } as unknown as QualityReadingsHost);
  const times = () => read.filter((name) => name === 'other').length;
  readings.start(1000);
  await clock.settle(1500);
  expect(read).toEqual(['closed meanwhile', 'other']);
  await clock.settle(2000);
  expect(times()).toBe(2);
  readings.stop();
  await clock.settle(5000);
  expect(times()).toBe(2);
});
