/** The fake does what Janus does, as far as the agent can see it. */
import { describe } from 'vitest';
import { engineContract } from './testing/contract.ts';
import { FakeEngine, type FakeSubscriber } from './testing/fake-engine.ts';

const OFFER = (slots: readonly string[]) =>
  [
    'v=0',
    ...slots.flatMap((s, i) => [`m=${s === 'audio' ? 'audio' : 'video'} 9 X 0`, `a=mid:${i}`, 'a=sendonly']),
  ].join('\r\n');

describe('fake', () => {
  const engine = new FakeEngine();
  engineContract({
    engine: () => engine,
    sender: (_name, slots) => ({
      connect: async (leg) => void (await leg.offer(OFFER(slots))),
      candidate: () => {},
      onCandidate: () => {},
      close: () => {},
    }),
    receiver: (_name, leg) => ({
      answer: async () => 'v=0',
      candidate: () => {},
      onCandidate: () => {},
      flows: async (mid) => (leg() as FakeSubscriber).flows(mid),
      close: () => {},
    }),
  });
});
