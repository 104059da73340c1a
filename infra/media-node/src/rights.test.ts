/** What the agent of a room does not take, and whose right to send ends while it sends, on the fake engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { MUTED_MS } from './engine.ts';
import { RoomAgent } from './room-agent.ts';
import { FakeEngine, type FakeRoom } from './testing/fake-engine.ts';
import { FakeSession, OFFER } from './testing/fake-session.ts';

function start(more: { idleMs?: number } = {}) {
  const session = new FakeSession();
  const engine = new FakeEngine();
  const agent = new RoomAgent({ roomId: 'r', epoch: 5, session, engine, publishers: 10, ...more, say: () => {} });
  const room = () => [...engine.rooms.values()][0] as FakeRoom;
  const mayPublish = (peerId: string, may: boolean) => {
    const peer = { peerId, ...(may ? {} : { audience: true }) };
    session.peers.set(peerId, peer);
    session.emit('peer-updated', { peer });
  };
  const isMuted = (peerId: string) => room()?.publishers.get(peerId)?.muted;
  return { session, agent, room, mayPublish, isMuted };
}

test('M-23 a description that is not taken is answered with the reason, to its sender alone, and one without a fault after it is taken', async () => {
  const { session, agent } = start();
  session.arrive('ada', 'bob');
  const offer = (sdp: unknown) => session.emit('signal', { type: 'offer', peerId: 'ada', sdp: sdp as never });
  const odd = [
    { type: 'offer', sdp: OFFER.replace('a=mid:0', 'a=mid:0\r\na=mid:7'), leg: 'up', gen: 1 },
    { type: 'offer', sdp: OFFER.replace('a=mid:1', 'a=mid:0'), leg: 'up', gen: 1 },
    { type: 'offer', sdp: OFFER, gen: 1 },
    OFFER,
  ];
  const refused = { mode: 'refused', epoch: 5, error: expect.stringContaining('a=mid') };
  for (const [i, sdp] of odd.entries()) {
    offer(sdp);
    const said = session.of('ada', 'media-state').map(({ body }) => body.state as unknown as { mode?: string });
    expect(said.filter(({ mode }) => mode === 'refused')).toEqual(Array(i + 1).fill(refused));
  }
  expect(JSON.stringify(session.of('bob', 'media-state'))).not.toContain('refused');
  session.connect('ada');
  await vi.waitFor(() => expect(session.of('ada', 'answer')).toHaveLength(1));
  await agent.end('test');
});

test('S-124 who may publish no more is passed on no more, and again once it may; it goes on receiving', async () => {
  const { session, agent, room, mayPublish, isMuted } = start();
  session.arrive('ada', 'bob');
  for (const who of ['ada', 'bob']) session.connect(who);
  await vi.waitFor(() => expect([isMuted('ada'), isMuted('bob')]).toEqual([false, false]));
  await vi.waitFor(() => expect(room().subscribers.get('ada')?.layers.get('video bob')).toBe('high'));
  mayPublish('ada', false);
  expect([isMuted('ada'), isMuted('bob')]).toEqual([true, false]);
  expect(room().subscribers.get('ada')?.layers.get('video bob')).toBe('high');
  // Who watches from outside sees somebody else.
  await vi.waitFor(() => expect(room().isLive('bob')).toBe(true));
  await agent.viewers.watch('v=0', { onCandidate: () => {}, onLive: () => {}, onLost: () => {} });
  expect([...room().viewers.values()]).toEqual(['bob']);
  mayPublish('ada', true);
  expect([isMuted('ada'), isMuted('bob')]).toEqual([false, false]);
  await agent.end('test');
});

test('S-124 who watched from outside before the right ended is let go, and shown somebody else; a short pause lets nobody go', async () => {
  const { session, agent, room, mayPublish } = start();
  session.arrive('ada', 'bob');
  for (const who of ['ada', 'bob']) session.connect(who);
  await vi.waitFor(() => expect([room().isLive('ada'), room().isLive('bob')]).toEqual([true, true]));
  const lost: string[] = [];
  const watch = () =>
    agent.viewers.watch('v=0', { onCandidate: () => {}, onLive: () => {}, onLost: (why) => lost.push(why) });
  const forward = async () => {
    const forwarding = await agent.viewers.forward({ audio: 9, video: 9 }, () => 1);
    void forwarding.ended.then(() => lost.push('forwarding'));
  };
  const shown = () => [...room().viewers.values(), ...room().forwarded.values()];
  await watch();
  await forward();
  expect(shown()).toEqual(['ada', 'ada']);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  mayPublish('ada', false);
  await vi.advanceTimersByTimeAsync(MUTED_MS - 1);
  mayPublish('ada', true);
  await vi.advanceTimersByTimeAsync(MUTED_MS);
  expect([shown(), lost]).toEqual([['ada', 'ada'], []]);
  mayPublish('ada', false);
  await vi.advanceTimersByTimeAsync(MUTED_MS);
  expect([shown(), lost]).toEqual([[], [expect.any(String), 'forwarding']]);
  expect(agent.viewers.count).toBe(0);
  await watch();
  await forward();
  expect(shown()).toEqual(['bob', 'bob']);
  await agent.end('test');
});

test('S-124 a connection that is made while the right ends passes nothing on, and two of whom one may only watch keep the node', async () => {
  const { session, agent, mayPublish, isMuted } = start({ idleMs: 20 });
  session.arrive('ada', 'bob');
  session.connect('ada');
  mayPublish('ada', false);
  await vi.waitFor(() => expect(session.of('ada', 'answer')).toHaveLength(1));
  expect(isMuted('ada')).toBe(true);
  await sleep(60);
  expect(agent.state).toBe('serving');
  await agent.end('test');
});
