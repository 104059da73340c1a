/** What is asked of Janus, and when: with a stand-in that notes requests, as the time between two packets is nothing to wait for. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EngineError } from './engine.ts';
import type { JanusClient, JanusHandle, PluginAnswer } from './janus-client.ts';
import { type Feed, JanusSubscriber } from './janus-subscriber.ts';

interface Asked {
  readonly request: string;
  readonly streams?: readonly { readonly feed: string }[];
  readonly subscribe?: readonly { readonly feed: string }[];
}

/** A subscriber of publishers that are connecting. `live` says that media of one flows. */
function subscriber(...connecting: string[]) {
  const asked: Asked[] = [];
  const feeds = new Map<string, Feed>();
  const offers: string[] = [];
  const answered: string[] = [];
  const refused: string[] = [];
  let answers = async (_asked: Asked): Promise<PluginAnswer> => ({ data: {} });
  const handle: JanusHandle = {
    message: async (body, jsep) => {
      if (jsep) answered.push(jsep.sdp);
      asked.push(body as unknown as Asked);
      return await answers(body as unknown as Asked);
    },
    trickle: () => {},
    detach: async () => {},
  };
  const leg = new JanusSubscriber({
    room: 'room',
    client: { attach: async () => handle } as unknown as JanusClient,
    events: {
      onOffer: (sdp) => offers.push(sdp),
      onCandidate: () => {},
      onLive: () => {},
      onLost: () => {},
      onRefused: (why) => refused.push(why),
    },
    feed: (id) => feeds.get(id),
    isConnecting: (id) => connecting.includes(id) && !feeds.has(id),
    ready: () => {},
    ended: () => {},
  });
  const live = (id: string) => {
    feeds.set(id, { id: `${id}#1`, mids: new Map([['video', '0']]), videoCodec: 'vp8', hasLayers: true });
    leg.feedsChanged();
  };
  const answer = (how: typeof answers) => {
    answers = how;
  };
  const joined = () => asked.map(({ streams }) => streams?.map(({ feed }) => feed));
  return { leg, live, answer, asked, joined, offers, answered, refused };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const turn = () => vi.advanceTimersByTimeAsync(0);

test('M-17 cameras that come while others connect are subscribed together, as soon as the last one is there', async () => {
  const { leg, live, joined } = subscriber('ada', 'eve');
  leg.want([
    { publisher: 'ada', slot: 'video' },
    { publisher: 'eve', slot: 'video' },
  ]);
  live('ada');
  await turn();
  expect(joined()).toEqual([]);
  live('eve');
  await turn();
  expect(joined()).toEqual([['ada#1', 'eve#1']]);
});

test('M-17 one that does not come up is waited for 150 ms, and not again', async () => {
  const { leg, live, joined } = subscriber('ada', 'eve');
  leg.want([
    { publisher: 'ada', slot: 'video' },
    { publisher: 'eve', slot: 'video' },
  ]);
  live('ada');
  await vi.advanceTimersByTimeAsync(149);
  expect(joined()).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(joined()).toEqual([['ada#1']]);
});

test('an answer that crosses the end of its connection is not refused: the leg is gone, also when Janus says so after it', async () => {
  const { leg, live, answer } = subscriber();
  answer(async () => ({ data: {}, sdp: 'v=0' }));
  leg.want([{ publisher: 'ada', slot: 'video' }]);
  live('ada');
  await turn();
  const refused = new EngineError('refused', 'janus: Error processing SDP (465)');
  // Of a connection that is there it is an error of the client's.
  answer(async () => Promise.reject(refused));
  const own = expect(leg.answer('v=0')).rejects.toBe(refused);
  await vi.advanceTimersByTimeAsync(1000);
  await own;
  leg.restart();
  answer(async () => ({ data: {}, sdp: 'v=0' }));
  await turn();
  answer(async () => Promise.reject(refused));
  const crossed = expect(leg.answer('v=0')).rejects.toMatchObject({ code: 'gone' });
  await vi.advanceTimersByTimeAsync(999);
  leg.lost('DTLS alert');
  await crossed;
});

test('M-19 lost sound may be asked for again: the offer says so to the receiver, and its answer to Janus', async () => {
  const { leg, live, answer, offers, answered } = subscriber();
  const section = (...lines: string[]) =>
    ['m=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=rtpmap:111 opus/48000/2', ...lines, ''].join('\r\n');
  answer(async () => ({ data: {}, sdp: section() }));
  leg.want([{ publisher: 'ada', slot: 'video' }]);
  live('ada');
  await turn();
  expect(offers).toEqual([section('a=rtcp-fb:111 nack')]);
  // Chromium says nothing of it in its answer, and asks.
  await leg.answer(section());
  expect(answered).toEqual([section('a=rtcp-fb:111 nack')]);
});

const camera = (publisher: string) => ({ publisher, slot: 'video' }) as const;
const noSuchFeed = new EngineError('refused', 'janus: No such feed (428)');

test('what Janus refuses is asked again without a change, for two minutes, and said once', async () => {
  const { leg, live, answer, joined, offers, refused } = subscriber();
  answer(async () => Promise.reject(noSuchFeed));
  leg.want([camera('ada')]);
  await turn();
  live('ada');
  await vi.advanceTimersByTimeAsync(499);
  expect(joined()).toEqual([['ada#1']]);
  await vi.advanceTimersByTimeAsync(1);
  expect(joined()).toEqual([['ada#1'], ['ada#1']]);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(joined()).toHaveLength(9);
  // To want the same again, as with each word that somebody says, is no change.
  leg.want([camera('ada')]);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(joined()).toHaveLength(9);
  // A change begins anew, and a success ends it.
  leg.feedsChanged();
  await turn();
  answer(async () => ({ data: {}, sdp: 'v=0' }));
  await vi.advanceTimersByTimeAsync(600_000);
  expect([joined().length, offers, refused]).toEqual([11, ['v=0'], [String(noSuchFeed)]]);
});

test('a person whose media Janus does not take keeps nobody else’s away', async () => {
  const { leg, live, answer, asked } = subscriber();
  const taken: string[] = [];
  answer(async ({ streams = [], subscribe = streams }) => {
    if (subscribe.some(({ feed }) => feed === 'mal#1')) throw noSuchFeed;
    taken.push(...subscribe.map(({ feed }) => feed));
    const all = taken.map((feed, mid) => ({ mid: String(mid), active: true, feed_id: feed, feed_mid: '0' }));
    return { data: { streams: all } };
  });
  leg.want(['ada', 'mal', 'bob', 'eve'].map(camera));
  await turn();
  for (const id of ['ada', 'mal', 'bob', 'eve']) live(id);
  await turn();
  expect(taken).toEqual(['ada#1', 'bob#1', 'eve#1']);
  // The four that came one after the other, ada, mal, and the two that are left.
  const requests = asked.length;
  expect(requests).toBeLessThanOrEqual(8);
  // Alone, and ever more seldom.
  await vi.advanceTimersByTimeAsync(1_000_000);
  expect(asked.slice(requests).map(({ subscribe = [] }) => subscribe.map(({ feed }) => feed))).toEqual(
    Array.from({ length: 8 }, () => ['mal#1']),
  );
  await leg.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('a leg that is closed while refusals come asks no more', async () => {
  const { leg, live, answer, asked } = subscriber();
  answer(async () => Promise.reject(noSuchFeed));
  leg.want([camera('ada')]);
  live('ada');
  for (let i = 0; i < 3; i++) leg.feedsChanged();
  await turn();
  await leg.close();
  expect(vi.getTimerCount()).toBe(0);
  const { length } = asked;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(asked).toHaveLength(length);
});
