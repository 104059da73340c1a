/** A call's own steps around a join; its parts have tests beside them, real browsers are in test/sdk*.test.ts. */
import { expect, test } from 'vitest';
import { Call } from './call.ts';
import type { PrewarmedConnection } from './prewarmed-connection.ts';
import { FakeConnection } from './sfu/fake-connection.ts';
import { Bench, WELCOME } from './testing-session.ts';

/** Counts how often it is closed; no pair takes it. */
class Prewarmed {
  closed = 0;
  opened = () => {};
  prepare(): void {}
  open(): void {
    this.opened();
  }
  take(): undefined {
    return undefined;
  }
  close(): void {
    this.closed++;
  }
}

async function begin(bench: Bench, prewarmed: Prewarmed) {
  const call = new Call({
    session: bench.session,
    roomId: 'kitchen',
    clock: bench.time,
    statsInterval: 0,
    RTCPeerConnection: FakeConnection as never,
    prewarmed: prewarmed as unknown as PrewarmedConnection,
  });
  const done = call.join();
  await bench.time.settle(0);
  const answer = async (more: object = {}) => {
    bench.socket.say({ type: 'joined', roomId: 'kitchen', peerId: 'me', peers: [], ...more });
    await done;
  };
  return { call, answer };
}

test('a call that was left at once closes no connection that the next one has prepared', async () => {
  const bench = await new Bench().connected();
  const prewarmed = new Prewarmed();
  const first = await begin(bench, prewarmed);
  await first.answer();
  first.call.leave();
  expect(prewarmed.closed).toBe(1);
  const { call, answer } = await begin(bench, prewarmed);
  await bench.time.settle(2000);
  expect(prewarmed.closed, 'the second still joins').toBe(1);
  await answer();
  await bench.time.settle(2000);
  expect(prewarmed.closed, 'nobody took it').toBe(2);
  call.leave();
});

test('the room is asked first: the prepared connection gathers while it answers', async () => {
  const bench = await new Bench().connected();
  const prewarmed = new Prewarmed();
  const said: string[][] = [];
  prewarmed.opened = () => said.push(bench.socket.types());
  const { call, answer } = await begin(bench, prewarmed);
  expect(said).toEqual([expect.arrayContaining(['join'])]);
  await answer();
  call.leave();
});

test('who joins a room of a media node asks before it offers; when the room changes its way later, it offers at once', async () => {
  const bench = await new Bench().connected();
  const media = { peerId: 'agent', epoch: 1 };
  const sent = () => bench.socket.types().filter((type) => type === 'media-want' || type === 'offer');
  const { call, answer } = await begin(bench, new Prewarmed());
  await answer({ media });
  await bench.time.settle(50);
  expect(sent()).toEqual(['media-want']);
  await bench.time.settle(100);
  expect(sent()).toEqual(['media-want', 'offer']);
  bench.socket.say({ type: 'room', roomId: 'kitchen', peers: [], media: { peerId: 'agent2', epoch: 2 } });
  await bench.time.settle(0);
  expect(sent().toSorted()).toEqual(['media-want', 'media-want', 'offer', 'offer']);
  call.leave();
});

test('who comes back as somebody new, as its session was lost, is served by the room’s media node again', async () => {
  const bench = await new Bench().connected();
  const media = { peerId: 'agent', epoch: 1 };
  const { call, answer } = await begin(bench, new Prewarmed());
  await answer({ media });
  await bench.time.settle(200);
  bench.socket.drop(1006);
  await bench.time.settle(600);
  bench.socket.open();
  bench.socket.say({ ...WELCOME, peerId: 'me2' });
  bench.socket.say({ type: 'error', code: 'session_unknown', message: 'gone', replyTo: 'resume' });
  bench.socket.say({ type: 'joined', roomId: 'kitchen', peerId: 'me2', peers: [], media });
  await bench.time.settle(200);
  expect(bench.socket.types()).toEqual(expect.arrayContaining(['media-want', 'offer']));
  expect(FakeConnection.all.slice(-4).map(({ closed }) => closed)).toEqual([true, true, false, false]);
  await bench.time.settle(10_000);
  expect(bench.socket.types()).not.toContain('media-state');
  call.leave();
});
