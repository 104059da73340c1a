/** Who is served by a media node and when a pair may go, with connections that only count. The real ones: test/media-room.test.ts. */
import { expect, test, vi } from 'vitest';
import { FakeConnection, made, startSfu as start } from './fake-connection.ts';

const OFFER = {
  sdp: {
    type: 'offer',
    sdp: 'v=0',
    leg: 'down',
    gen: 1,
    n: 1,
    tracks: [
      { mid: '0', peerId: 'bob', slot: 'audio' },
      { mid: '1', peerId: 'bob', slot: 'video' },
    ],
  },
};

test('a pair may go only when the media is here, mine is there, and both said so', async () => {
  const { sfu, shown, served, hear, states } = start();
  sfu.set({ peerId: 'agent', epoch: 5 });
  const [up, down] = await made(2);
  up?.connect();
  hear('agent', 'offer', OFFER);
  down?.connect();
  await vi.waitFor(() => expect(down?.signalingState).toBe('stable'));
  // Announced, but nothing decoded: nothing is shown, and nobody hears of it.
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect([shown, states('bob')]).toEqual([[], []]);
  if (down) down.frames = 1;
  await vi.waitFor(() => expect(shown.sort()).toEqual(['audio', 'video']));
  expect(states('bob')).toEqual([{ mode: 'served', epoch: 5 }]);
  expect(served).toEqual([]);
  // Of another epoch it says nothing about this one.
  hear('bob', 'media-state', { state: { mode: 'served', epoch: 4 } });
  expect(served).toEqual([]);
  hear('bob', 'media-state', { state: { mode: 'served', epoch: 5 } });
  expect(served).toEqual(['bob']);
  sfu.close();
  expect(FakeConnection.all.every((pc) => pc.closed)).toBe(true);
});

test('who comes into a room that is served receives first, and offers its own once it has answered, or when nobody sends', async () => {
  const types = (sent: readonly { readonly type: string }[]) => sent.map(({ type }) => type);
  const made: [what: string, connections: number][] = [];
  const { sfu, sent, hear } = start({
    sendTo: (to, type, body) => {
      sent.push({ to, type, body });
      made.push([type, FakeConnection.all.length]);
    },
  });
  sfu.set({ peerId: 'agent', epoch: 5 }, true);
  await new Promise((resolve) => setTimeout(resolve, 10));
  const [down] = FakeConnection.all;
  if (down) down.addIceCandidate = async () => void made.push(['candidate', FakeConnection.all.length]);
  hear('agent', 'offer', OFFER);
  hear('agent', 'ice-candidate', { candidate: { candidate: 'candidate:1', leg: 'down', gen: 1 } });
  await vi.waitFor(() => expect(types(sent)).toEqual(['media-want', 'answer', 'offer']));
  // A connection takes the page's thread while it is made.
  expect(made).toEqual([
    ['media-want', 0],
    ['answer', 1],
    ['candidate', 1],
    ['offer', 2],
  ]);
  // Once.
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(FakeConnection.all.length).toBe(2);
  sfu.close();
  const alone = start();
  alone.sfu.set({ peerId: 'agent', epoch: 5 }, true);
  await vi.waitFor(() => expect(types(alone.sent)).toEqual(['media-want', 'offer']));
  alone.sfu.close();
});

test('a room that changes its way offers first, and so after an engine died: nobody has anything to receive before', async () => {
  const { sfu, sent, hear } = start();
  sfu.set({ peerId: 'agent', epoch: 5 });
  const [up] = FakeConnection.all;
  await made(2);
  expect(up?.sections).toHaveLength(2);
  hear('agent', 'media-state', { state: { mode: 'engine-lost', epoch: 5 } });
  const again = FakeConnection.all[2];
  await made(4);
  expect(again?.sections).toHaveLength(2);
  expect(sent.map(({ type }) => type)).toEqual(['offer', 'media-want', 'offer', 'media-want']);
  // One that cannot be made is in nobody's way.
  hear('agent', 'media-state', { state: { mode: 'engine-lost', epoch: 5 } });
  const broken = FakeConnection.all[4];
  if (broken) broken.createOffer = () => Promise.reject(new Error('no'));
  await made(6);
  sfu.close();
});

test('a lower epoch is ignored, and of a higher one the old connections stay until the new ones serve', async () => {
  const { sfu } = start();
  sfu.set({ peerId: 'a5', epoch: 5 });
  sfu.set({ peerId: 'a4', epoch: 4 });
  await made(2);
  expect(sfu.epoch).toBe(5);
  sfu.set({ peerId: 'a6', epoch: 6 });
  await made(4);
  expect(sfu.epoch).toBe(6);
  expect(FakeConnection.all.map((pc) => pc.closed)).toEqual([false, false, false, false]);
  sfu.close();
});

test('a node that closes, or is gone, leaves pairs behind and is not tried again', async () => {
  const { sfu, unserved, hear } = start();
  sfu.set({ peerId: 'a5', epoch: 5 });
  await made(2);
  hear('a5', 'media-state', { state: { mode: 'closing', epoch: 5 } });
  expect(unserved).toEqual(['bob']);
  // Its legs go on until the pairs stand.
  expect(FakeConnection.all.map((pc) => pc.closed)).toEqual([false, false]);
  sfu.set({ peerId: 'a5', epoch: 5 });
  expect([sfu.epoch, FakeConnection.all.length]).toEqual([undefined, 2]);
  sfu.set({ peerId: 'a6', epoch: 6 });
  expect(sfu.epoch).toBe(6);
  sfu.set(undefined);
  expect(unserved).toEqual(['bob', 'bob']);
  sfu.close();
});

test('nonsense of a peer or a node changes nothing', () => {
  const { sfu, served, unserved, hear } = start();
  sfu.set({ peerId: 'agent', epoch: 5 });
  for (const state of [undefined, null, 7, 'served', { mode: 'served' }, { mode: 'served', epoch: '5' }, { mode: {} }])
    for (const from of ['agent', 'bob']) hear(from, 'media-state', { state });
  for (const body of [{}, { sdp: null }, { sdp: { leg: 'down' } }, { candidate: null }, { candidate: { leg: 'up' } }])
    for (const type of ['offer', 'answer', 'ice-candidate']) hear('agent', type, body);
  expect([served, unserved, sfu.epoch]).toEqual([[], [], 5]);
  sfu.close();
});

test('a person whose tile is not seen is served without a picture, and none gets a pair for that', async () => {
  const { sfu, hear, states } = start();
  sfu.layers.show('bob', 0);
  sfu.set({ peerId: 'agent', epoch: 5 });
  const [up, down] = await made(2);
  up?.connect();
  down?.connect();
  const tracks = [{ mid: '0', peerId: 'bob', slot: 'audio' }];
  hear('agent', 'offer', { sdp: { ...OFFER.sdp, tracks } });
  await vi.waitFor(() => {
    if (down) down.frames++;
    expect(states('bob')).toEqual([{ mode: 'served', epoch: 5 }]);
  });
  sfu.close();
});

test('in a room of more than can be heard the node alone serves: nobody waits for sound that is not forwarded', async () => {
  const others = Array.from({ length: 30 }, (_, i) => `p${i}`);
  const { sfu, hear, served, unserved } = start({ peerIds: () => others, sends: () => ['audio'] });
  sfu.set({ peerId: 'agent', epoch: 5 });
  for (const pc of await made(2)) pc.connect();
  for (const peerId of others) hear(peerId, 'media-state', { state: { mode: 'served', epoch: 5 } });
  expect([served.length, unserved.length]).toEqual([30, 0]);
  sfu.close();
});

test('the sizes that the node wants of my camera are what is encoded, on a later connection too', async () => {
  const { sfu, hear } = start();
  sfu.set({ peerId: 'agent', epoch: 5 });
  const [up] = FakeConnection.all;
  await vi.waitFor(() => expect(up?.signalingState).toBe('have-local-offer'));
  hear('agent', 'media-state', { state: { mode: 'layers', epoch: 5, send: ['mid', 'low', 'huge', 7] } });
  await vi.waitFor(() => expect(up?.active()).toEqual({ h: false, m: true, l: true }));
  hear('agent', 'media-state', { state: { mode: 'engine-lost', epoch: 5 } });
  const again = FakeConnection.all[2];
  await vi.waitFor(() => expect(again?.signalingState).toBe('have-local-offer'));
  hear('agent', 'answer', { sdp: { type: 'answer', sdp: 'v=0', leg: 'up', gen: 2 } });
  await vi.waitFor(() => expect(again?.active()).toEqual({ h: false, m: true, l: true }));
  // Neither an answer nor a change of sizes asks for keyframes: the node does, for who waits for one.
  hear('agent', 'media-state', { state: { mode: 'layers', send: ['mid', 'low'], keyFrame: true } });
  await vi.waitFor(() => expect(again?.keyframes).toBe(1));
  expect(up?.keyframes).toBe(0);
  for (const send of [undefined, 'mid', {}]) hear('agent', 'media-state', { state: { mode: 'layers', send } });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(again?.active()).toEqual({ h: false, m: true, l: true });
  sfu.close();
});

test.each([
  [1280, 720, { h: false, m: false, l: true }],
  [640, 360, { h: false, m: true, l: true }],
  // Upright.
  [480, 640, { h: false, m: true, l: true }],
  [320, 180, { h: true, m: true, l: true }],
])(
  'of a camera of %i × %i, of which an older browser may send fewer sizes, the first of them is always on',
  async (width, height, active) => {
    const camera = (w: number, h: number) =>
      ({ kind: 'video', getSettings: () => ({ width: w, height: h }) }) as MediaStreamTrack;
    for (const takesSizes of [true, false]) {
      FakeConnection.takesSizes = takesSizes;
      const expected = takesSizes ? { h: false, m: false, l: true } : active;
      let track = camera(width, height);
      const { sfu, hear } = start({ track: (slot) => (slot === 'video' ? track : null) });
      sfu.set({ peerId: 'agent', epoch: 5 });
      const [up] = FakeConnection.all;
      hear('agent', 'media-state', { state: { mode: 'layers', epoch: 5, send: [] } });
      await vi.waitFor(() => expect(up?.active()).toEqual({ h: false, m: false, l: false }));
      hear('agent', 'media-state', { state: { mode: 'layers', epoch: 5, send: ['low'] } });
      await vi.waitFor(() => expect(up?.active()).toEqual(expected));
      track = camera(1920, 1080);
      sfu.replaceTrack('video');
      await vi.waitFor(() => expect(up?.active()).toEqual({ h: false, m: false, l: true }));
      track = camera(width, height);
      sfu.replaceTrack('video');
      await vi.waitFor(() => expect(up?.active()).toEqual(expected));
      sfu.close();
    }
    FakeConnection.takesSizes = true;
  },
);

test('a screen has a section from when it is first shared, also when that is while an offer is open', async () => {
  let screen: MediaStreamTrack | null = null;
  const { sfu, sent, hear } = start({ track: (slot) => (slot === 'screen' ? screen : null) });
  sfu.set({ peerId: 'agent', epoch: 5 });
  const [up] = FakeConnection.all;
  await vi.waitFor(() => expect(up?.signalingState).toBe('have-local-offer'));
  expect(up?.sections).toEqual(['audio', 'video']);
  screen = { kind: 'video' } as MediaStreamTrack;
  sfu.replaceTrack('screen');
  await new Promise((resolve) => setTimeout(resolve, 20));
  const offers = () => sent.filter((s) => s.type === 'offer').length;
  expect([up?.sections, offers()]).toEqual([['audio', 'video', screen], 1]);
  hear('agent', 'answer', { sdp: { type: 'answer', sdp: 'v=0', leg: 'up', gen: 1 } });
  await vi.waitFor(() => expect(offers()).toBe(2));
  // Shared again: the section that is there.
  hear('agent', 'answer', { sdp: { type: 'answer', sdp: 'v=0', leg: 'up', gen: 1 } });
  await vi.waitFor(() => expect(up?.signalingState).toBe('stable'));
  screen = null;
  sfu.replaceTrack('screen');
  screen = { kind: 'video' } as MediaStreamTrack;
  sfu.replaceTrack('screen');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([up?.sections.length, offers()]).toEqual([3, 2]);
  sfu.close();
});

test('an audience has a down leg alone, and is served when the others’ media is here', async () => {
  const { sfu, sent, hear, states, served } = start({ audience: true });
  sfu.set({ peerId: 'media~1', epoch: 1 });
  expect(FakeConnection.all).toHaveLength(1);
  const [down] = FakeConnection.all;
  down?.connect();
  hear('media~1', 'offer', {
    sdp: {
      type: 'offer',
      sdp: 'down',
      leg: 'down',
      gen: 1,
      tracks: [
        { mid: '0', peerId: 'bob', slot: 'audio' },
        { mid: '1', peerId: 'bob', slot: 'video' },
      ],
    },
  });
  await vi.waitFor(() => expect(sent.some((s) => s.type === 'answer')).toBe(true));
  await new Promise((resolve) => setTimeout(resolve, 80));
  if (down) down.frames = 5;
  await vi.waitFor(() => expect(states('bob')).toEqual([{ mode: 'served', epoch: 1 }]));
  hear('bob', 'media-state', { state: { mode: 'served', epoch: 1 } });
  expect(served).toEqual(['bob']);
  expect(sent.some((s) => s.type === 'offer')).toBe(false);
  sfu.close();
});

test('of an audience nothing has to arrive', async () => {
  const { sfu, states } = start({ isAudience: () => true });
  sfu.set({ peerId: 'media~1', epoch: 1 });
  const [up] = FakeConnection.all;
  up?.connect();
  await vi.waitFor(() => expect(states('bob')).toEqual([{ mode: 'served', epoch: 1 }]));
  sfu.close();
});

test('who alone sends keeps the node, though nothing ever comes on the way down', async () => {
  vi.useFakeTimers();
  let sends: ('audio' | 'video')[] = ['audio', 'video'];
  const { sfu, sent, hear, unserved } = start({ isAudience: () => sends.length === 0, sends: () => sends });
  sends = [];
  sfu.set({ peerId: 'agent', epoch: 5 });
  const [up] = FakeConnection.all;
  up?.connect();
  // Three connections in a row that do not come up give a node up: 24 s.
  await vi.advanceTimersByTimeAsync(60_000);
  expect(FakeConnection.all.filter((one) => one.closed)).toEqual([]);
  expect(sfu.epoch).toBe(5);
  // A peer says that it sends, and nothing of it comes: the node may have missed the question, and is asked again; its word fails nothing.
  sends = ['audio', 'video'];
  await vi.advanceTimersByTimeAsync(60_000);
  expect([sfu.epoch, up?.closed]).toEqual([5, false]);
  // After 8, 16 and 32 s: a room full of listeners must not ask for ever at that pace.
  const asked = FakeConnection.all.length;
  expect(asked).toBe(5);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(FakeConnection.all.length).toBe(asked + 2);
  // Now it is forwarded: a connection that is described and does not come up three times has failed.
  for (let i = 0; i < 3; i++) {
    const { want } = (sent.findLast((one) => one.type === 'media-want')?.body ?? {}) as { want?: { gen: number } };
    hear('agent', 'offer', { sdp: { type: 'offer', sdp: 'down', leg: 'down', gen: want?.gen, tracks: [] } });
    await vi.advanceTimersByTimeAsync(8000);
  }
  expect(sfu.epoch).toBeUndefined();
  expect(unserved).toContain('bob');
  sfu.close();
  vi.useRealTimers();
});

test('a node is not given up for what fails while signaling is away, and is when it goes on after that', async () => {
  vi.useFakeTimers();
  let isOpen = false;
  const { sfu } = start({ reachable: () => isOpen });
  sfu.set({ peerId: 'agent', epoch: 5 });
  // A tunnel: of the way up nothing comes about, though it is tried again and again.
  await vi.advanceTimersByTimeAsync(55_000);
  expect(sfu.epoch).toBe(5);
  isOpen = true;
  // Three in a row, 8 s each.
  await vi.advanceTimersByTimeAsync(25_000);
  expect(sfu.epoch).toBeUndefined();
  sfu.close();
  vi.useRealTimers();
});
