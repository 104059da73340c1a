/** What every engine must do. Run on Janus and on the fake; rules M-… of docs/service-contracts.md. */
import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { type EngineHarness, publisher, subscriber, track } from './contract-clients.ts';
import { forwardingContract } from './contract-forwarding.ts';

const WAIT = { timeout: 10_000, interval: 20 };

export function engineContract(harness: EngineHarness): void {
  const open = (limit = 10) => harness.engine().openRoom(randomUUID(), limit);

  test('M-1 what is published arrives, whether it was wanted before it was published, or after', async () => {
    const room = await open();
    const early = await subscriber(harness, room, 'early');
    early.leg.want([track('ada', 'audio'), track('ada')]);
    const ada = await publisher(harness, room, 'ada');
    await ada.connect();
    await vi.waitFor(async () => expect(await early.receives(track('ada'))).toBe(true), WAIT);
    expect(await early.receives(track('ada', 'audio'))).toBe(true);
    // A subscription before the transport is up would be refused (428, "No such feed"): nothing of it is seen.
    expect(early.said.filter((s) => s.startsWith('lost'))).toEqual([]);
    const late = await subscriber(harness, room, 'late');
    late.leg.want([track('ada')]);
    await vi.waitFor(async () => expect(await late.receives(track('ada'))).toBe(true), WAIT);
    await room.close();
  });

  test('M-2 candidates follow the description that they belong to', async () => {
    const room = await open();
    const ada = await publisher(harness, room, 'ada');
    await ada.connect();
    const bob = await subscriber(harness, room, 'bob');
    bob.leg.want([track('ada')]);
    await vi.waitFor(() => expect(bob.said).toContain('live'), WAIT);
    expect(ada.said[0]).toBe('answer');
    expect(ada.said).toContain('candidate');
    expect(bob.said[0]).toBe('offer');
    expect(bob.said).toContain('candidate');
    await room.close();
  });

  test('M-3 a removed person neither sends nor receives, also when only one of its legs is closed by name', async () => {
    const room = await open();
    const [ada, bob] = [await publisher(harness, room, 'ada'), await subscriber(harness, room, 'bob')];
    bob.leg.want([track('ada')]);
    await ada.connect();
    await vi.waitFor(async () => expect(await bob.receives(track('ada'))).toBe(true), WAIT);
    const mid = bob.mid(track('ada')) ?? '';
    await bob.leg.close();
    await vi.waitFor(async () => expect(await bob.client.flows(mid)).toBe(false), WAIT);
    const carol = await subscriber(harness, room, 'carol');
    carol.leg.want([track('ada')]);
    await vi.waitFor(async () => expect(await carol.receives(track('ada'))).toBe(true), WAIT);
    await ada.leg.close();
    await vi.waitFor(() => expect(carol.tracks).toEqual([]), WAIT);
    await room.close();
    expect(harness.engine().legs).toBe(0);
  });

  test('M-4 who comes again is received again, with the media sections that the offer says', async () => {
    const room = await open();
    const bob = await subscriber(harness, room, 'bob');
    bob.leg.want([track('ada'), track('ada', 'audio'), track('eve')]);
    for (let round = 0; round < 3; round++) {
      const ada = await publisher(harness, room, 'ada');
      await ada.connect();
      await vi.waitFor(async () => expect(await bob.receives(track('ada'))).toBe(true), WAIT);
      const mids = bob.tracks.map((t) => t.mid);
      expect(new Set(mids).size).toBe(mids.length);
      await ada.leg.close();
      await vi.waitFor(() => expect(bob.mid(track('ada'))).toBeUndefined(), WAIT);
      ada.client.close();
    }
    await room.close();
  });

  test('M-5 of changes that come together each offer waits for the answer of the one before', async () => {
    const room = await open();
    const bob = await subscriber(harness, room, 'bob');
    const people = await Promise.all(['p1', 'p2', 'p3', 'p4'].map((id) => publisher(harness, room, id)));
    bob.leg.want(['p1', 'p2', 'p3', 'p4'].map((id) => track(id)));
    await Promise.all(people.map((p) => p.connect()));
    await vi.waitFor(() => expect(bob.tracks).toHaveLength(4), WAIT);
    for (const id of ['p1', 'p2', 'p3', 'p4'])
      await vi.waitFor(async () => expect(await bob.receives(track(id))).toBe(true), WAIT);
    expect(bob.mostOffers).toBe(1);
    bob.leg.want([track('p3')]);
    await vi.waitFor(() => expect(bob.tracks.map((t) => t.publisher)).toEqual(['p3']), WAIT);
    await room.close();
  });

  test('M-6 a track that is switched off stops, and comes back with its layer', async () => {
    const room = await open();
    const [ada, bob] = [await publisher(harness, room, 'ada'), await subscriber(harness, room, 'bob')];
    bob.leg.want([track('ada'), track('ada', 'audio')]);
    await ada.connect();
    await vi.waitFor(async () => expect(await bob.receives(track('ada'))).toBe(true), WAIT);
    bob.leg.select(track('ada'), 'off');
    await vi.waitFor(async () => expect(await bob.receives(track('ada'))).toBe(false), WAIT);
    expect(await bob.receives(track('ada', 'audio'))).toBe(true);
    bob.leg.select(track('ada'), 'low');
    await vi.waitFor(async () => expect(await bob.receives(track('ada'))).toBe(true), WAIT);
    await room.close();
  });

  test('M-9 a room takes its number of publishers and no more', async () => {
    const room = await open(1);
    const ada = await publisher(harness, room, 'ada');
    await ada.connect();
    await expect(publisher(harness, room, 'bob')).rejects.toThrow(expect.objectContaining({ code: 'full' }));
    await room.close();
  });

  test('M-10 a restart is a new offer with new ICE credentials', async () => {
    const room = await open();
    const [ada, bob] = [await publisher(harness, room, 'ada'), await subscriber(harness, room, 'bob')];
    bob.leg.want([track('ada')]);
    await ada.connect();
    await vi.waitFor(async () => expect(await bob.receives(track('ada'))).toBe(true), WAIT);
    const before = bob.offers.length;
    bob.answers = false;
    bob.leg.restart();
    await vi.waitFor(() => expect(bob.offers.length).toBeGreaterThan(before), WAIT);
    const ufrags = bob.offers.map((sdp) => /a=ice-ufrag:(\S+)/.exec(sdp)?.[1]);
    expect(ufrags.at(-1)).not.toBe(ufrags.at(-2));
    await room.close();
  });
  forwardingContract(harness, open);
}
