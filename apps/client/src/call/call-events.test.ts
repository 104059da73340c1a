import type { Call, PairQuality, RemotePeer } from '@tandem/rtc';
import { expect, onTestFinished, test, vi } from 'vitest';
import { look } from '../lib/look-store.ts';
import { type CallEventHost, followCall } from './call-events.ts';
import { QualityHistory } from './history.ts';
import { CallReporter } from './report.ts';
import { CallState } from './state.ts';
import { TimeTogether } from './time-together.ts';

const quality = {
  ...{ at: 0, grade: 'good', trouble: [], rtt: 20, mos: 4 },
  in: { audio: {}, video: {}, screen: {} },
  out: { audio: {}, video: {}, screen: {} },
} as unknown as PairQuality;

/** A call with this number of others; `tell` plays an event of the SDK. */
function callOf(count: number) {
  vi.useFakeTimers();
  vi.stubGlobal('addEventListener', () => {});
  vi.stubGlobal('removeEventListener', () => {});
  vi.stubGlobal('navigator', { onLine: true });
  const handlers = new Map<string, ((event: object) => void)[]>();
  const on = (name: string, handler: (event: never) => void) => {
    handlers.set(name, [...(handlers.get(name) ?? []), handler as (event: object) => void]);
    return () => {};
  };
  const peers = Array.from({ length: count }, (_, i) => ({
    ...{ peerId: `p${i}`, userId: `u${i}`, name: `Person ${i}`, state: 'connected', topology: 'sfu', audience: false },
    ...{ metadata: {}, timings: {}, quality, stream: { getVideoTracks: () => [] } },
  })) as unknown as RemotePeer[];
  const call = { peers, state: 'joined', on, session: { on } } as unknown as Call;
  const history = new QualityHistory();
  const state = new CallState();
  const undo = followCall(call, {
    ...{ state, history, reporter: new CallReporter(history), together: new TimeTogether() },
  } as unknown as CallEventHost);
  const end = () => {
    for (const one of undo.splice(0)) one();
  };
  onTestFinished(() => {
    end();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  const tell = (name: string, event: object) => {
    for (const handler of handlers.get(name) ?? []) handler(event);
  };
  return { peers, state, history, tell, end };
}

test('the readings of two hundred people, which come one by one, are shown at once', async () => {
  const { peers, state, tell } = callOf(200);
  const shown = vi.fn();
  state.subscribe(shown);
  for (const peer of peers) {
    tell('quality', { peer, quality });
    await Promise.resolve();
  }
  await vi.advanceTimersByTimeAsync(1000);
  expect(state.get().peers).toHaveLength(200);
  expect(state.get().health.grade).toBe('good');
  expect(shown.mock.calls.length, 'people, and the connection').toBe(2);
});

test('a reading just before the end of a call draws nothing after it', async () => {
  const { peers, state, tell, end } = callOf(1);
  tell('quality', { peer: peers[0], quality });
  end();
  await vi.advanceTimersByTimeAsync(1000);
  expect(state.get().peers).toEqual([]);
});

test('of who has left no readings are kept', () => {
  const { peers, history, tell } = callOf(2);
  const [gone] = peers.splice(0, 1);
  tell('quality', { peer: gone, quality });
  tell('quality', { peer: peers[0], quality });
  tell('peer-removed', { peer: gone, reason: 'left' });
  expect(history.all('p0')).toEqual([]);
  expect(history.all('p1')).toHaveLength(1);
});

test('where chat and reactions are taken out of the page, what other clients send of them is not shown', () => {
  const said = { peerId: 'p0', name: 'Person 0', text: 'hello', shownAt: 0, mine: false };
  const shown = () => {
    const { state, tell, end } = callOf(1);
    tell('chat', said);
    tell('chat-history', { peerId: 'p0', lines: [{ name: 'Eve', text: 'before', at: 0 }] });
    tell('reaction', { peerId: 'p0', emoji: 'like' });
    const { chat, reactions, unread } = state.get();
    end();
    return [chat.length, reactions.length, unread];
  };
  expect(shown()).toEqual([2, 1, 1]);
  look.set({ off: ['chat', 'reactions'] });
  onTestFinished(() => look.set({ off: [] }));
  expect(shown()).toEqual([0, 0, 0]);
});
