/** What is forwarded to programs of the machine, and what is not passed on: part of {@link engineContract}. */
import { expect, test, vi } from 'vitest';
import type { EngineRoom } from '../engine.ts';
import { type EngineHarness, publisher, subscriber, track } from './contract-clients.ts';
import { ForwardedPorts } from './forwarded.ts';

const WAIT = { timeout: 10_000, interval: 20 };

export function forwardingContract(harness: EngineHarness, open: () => Promise<EngineRoom>): void {
  test('M-18 what is forwarded comes to its ports as RTP, and stops with its publisher, its room, or when it is closed', async () => {
    const room = await open();
    using ports = await ForwardedPorts.open();
    const gone = expect.objectContaining({ code: 'gone' });
    await expect(room.forward('ada', ports.to)).rejects.toThrow(gone);
    const ada = await publisher(harness, room, 'ada');
    await ada.connect();
    await vi.waitFor(() => expect(room.isLive('ada')).toBe(true), WAIT);
    const closed = await room.forward('ada', ports.to);
    expect([closed.hasAudio, closed.videoCodec]).toEqual([true, 'vp8']);
    await vi.waitFor(() => expect(closed.isSounding()).toBe(true), WAIT);
    await vi.waitFor(() => expect(ports.types).toEqual({ audio: [111], video: [96] }), WAIT);
    await closed.close();
    await closed.ended;
    await vi.waitFor(async () => expect(await ports.flows()).toBe(false), WAIT);
    // A second one is as the first; what was closed does not come back.
    const left = await room.forward('ada', ports.to);
    await vi.waitFor(async () => expect(await ports.flows()).toBe(true), WAIT);
    await ada.leg.close();
    await left.ended;
    await vi.waitFor(async () => expect(await ports.flows()).toBe(false), WAIT);
    const bob = await publisher(harness, room, 'bob', ['audio']);
    await bob.connect();
    await vi.waitFor(() => expect(room.isLive('bob')).toBe(true), WAIT);
    const heard = await room.forward('bob', ports.to);
    expect([heard.hasAudio, heard.videoCodec]).toEqual([true, undefined]);
    await room.close();
    await heard.ended;
    await vi.waitFor(async () => expect(await ports.flows()).toBe(false), WAIT);
  });

  test('M-22 of a publisher that is muted nothing is passed on, what forwards it ends, and all is passed on again once it is not', async () => {
    const room = await open();
    using ports = await ForwardedPorts.open();
    const [ada, bob] = [await publisher(harness, room, 'ada'), await subscriber(harness, room, 'bob')];
    bob.leg.want([track('ada'), track('ada', 'audio')]);
    await ada.connect();
    const passes = () => Promise.all([bob.receives(track('ada')), bob.receives(track('ada', 'audio')), ports.flows()]);
    await vi.waitFor(async () => expect(await bob.receives(track('ada'))).toBe(true), WAIT);
    const forwarding = await room.forward('ada', ports.to);
    await vi.waitFor(async () => expect(await passes()).toEqual([true, true, true]), WAIT);
    ada.leg.mute(true);
    expect(room.isLive('ada')).toBe(false);
    await expect(room.forward('ada', ports.to)).rejects.toThrow(expect.objectContaining({ code: 'gone' }));
    await vi.waitFor(async () => expect(await passes()).toEqual([false, false, false]), WAIT);
    await forwarding.ended;
    // Who comes meanwhile gets nothing either.
    const eve = await subscriber(harness, room, 'eve');
    eve.leg.want([track('ada')]);
    await vi.waitFor(() => expect(eve.said).toContain('live'), WAIT);
    expect(await eve.receives(track('ada'))).toBe(false);
    ada.leg.mute(false);
    await vi.waitFor(async () => expect(await bob.receives(track('ada'))).toBe(true), WAIT);
    // What has ended does not come back by itself.
    expect(await ports.flows()).toBe(false);
    await room.forward('ada', ports.to);
    await vi.waitFor(async () => expect(await passes()).toEqual([true, true, true]), WAIT);
    expect(await eve.receives(track('ada'))).toBe(true);
    await room.close();
  });
}
