import { expect, test } from 'vitest';
import { MemoryHub } from '../../backplane/memory.ts';
import { systemClock } from '../clock.ts';
import { NodeContext } from '../context.ts';
import { DEFAULT_SETTINGS } from '../settings.ts';
import { EntryKind, encodeBatch } from './batch.ts';
import { Inbox } from './inbox.ts';

/** An inbox that records what it hands on: numbers of batches, and `gap` behind one that showed that others were lost. */
function recorded() {
  const seen: (string | number)[] = [];
  const context = new NodeContext({
    ...{ name: 'n1', clock: systemClock, settings: DEFAULT_SETTINGS, events: {} },
    backplane: new MemoryHub(systemClock).connect(),
  });
  const inbox = new Inbox(context, {
    relay: (peerId) => seen.push(Number(peerId)),
    room: () => {},
    control: () => {},
    missed: () => seen.push('gap'),
  });
  const receive = (sequence: number, { from = 'n2', incarnation = 7 } = {}) =>
    inbox.onBatch(
      encodeBatch(from, incarnation, sequence, [{ kind: EntryKind.relay, target: String(sequence), frame: '{}' }]),
    );
  return { seen, inbox, receive };
}

test('S-32 a batch that comes again is dropped, one that comes late is not', () => {
  const { seen, receive } = recorded();
  for (const sequence of [1, 1, 2, 5, 5, 2, 3, 3, 4, 4, 6]) receive(sequence);
  expect(seen).toEqual([1, 2, 5, 'gap', 3, 4, 6]);
});

test('a node that is new here, or that began anew, may have lost anything before', () => {
  const { seen, receive } = recorded();
  receive(4);
  receive(1, { from: 'n3' });
  receive(1, { incarnation: 8 });
  receive(2, { incarnation: 8 });
  expect(seen).toEqual([4, 'gap', 1, 1, 'gap', 2]);
});

test('what is remembered of lost batches is bounded', () => {
  const { seen, inbox, receive } = recorded();
  receive(1);
  receive(1_000_000);
  receive(2_000_000);
  receive(999_990);
  receive(1_999_990);
  receive(1_999_990);
  expect(seen).toEqual([1, 1_000_000, 'gap', 2_000_000, 'gap', 1_999_990]);
  expect(inbox.forgetDead(new Set(['n1']))).toEqual(['n2']);
});
