/** What is asked of Janus, and when: with a stand-in that notes requests, as the time between two packets is nothing to wait for. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EngineError } from './engine.ts';
import type { JanusClient, JanusHandle, PluginAnswer } from './janus-client.ts';
import { type Feed, JanusSubscriber } from './janus-subscriber.ts';

interface Asked {
  readonly request: string;
  readonly streams?: readonly { readonly feed: string }[];
}

/** A subscriber of publishers that are connecting. `live` says that media of one flows. */
function subscriber(...connecting: string[]) {
  const asked: Asked[] = [];
  const feeds = new Map<string, Feed>();
  let answers = async (_asked: Asked): Promise<PluginAnswer> => ({ data: {} });
  const handle: JanusHandle = {
    message: async (body) => {
      asked.push(body as unknown as Asked);
      return await answers(body as unknown as Asked);
    },
    trickle: () => {},
    detach: async () => {},
  };
  const leg = new JanusSubscriber({
    room: 'room',
    client: { attach: async () => handle } as unknown as JanusClient,
    events: { onOffer: () => {}, onCandidate: () => {}, onLive: () => {}, onLost: () => {} },
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
  return { leg, live, answer, joined: () => asked.map(({ streams }) => streams?.map(({ feed }) => feed)) };
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

test('an answer that crosses the end of its connection is not refused: the leg is gone', async () => {
  const { leg, live, answer } = subscriber();
  answer(async () => ({ data: {}, sdp: 'v=0' }));
  leg.want([{ publisher: 'ada', slot: 'video' }]);
  live('ada');
  await turn();
  const refused = new EngineError('refused', 'janus: Error processing SDP (465)');
  // Of a connection that is there it is an error of the client's.
  answer(async () => Promise.reject(refused));
  await expect(leg.answer('v=0')).rejects.toBe(refused);
  leg.restart();
  answer(async () => ({ data: {}, sdp: 'v=0' }));
  await turn();
  answer(async () => {
    leg.lost('DTLS alert');
    throw refused;
  });
  await expect(leg.answer('v=0')).rejects.toMatchObject({ code: 'gone' });
});
