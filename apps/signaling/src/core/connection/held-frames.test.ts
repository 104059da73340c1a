import { expect, test } from 'vitest';
import { Client, pair } from '../testing.ts';
import { MAX_HELD } from './held-frames.ts';

/** A socket of Ada whose resume waits for the store until the gate opens. */
async function resuming() {
  const { cluster, n1, a } = await pair();
  a.connection.onClosed(1006);
  await cluster.run();
  const gate = cluster.gate();
  cluster.before = (_node, operation) => (operation === 'resumeSession' ? gate.promise : undefined);
  const back = new Client(n1, 'ada');
  back.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  return { cluster, back, gate };
}

test.each([
  ['in number', '{}', MAX_HELD.frames],
  ['in length', 'x'.repeat(MAX_HELD.length / 16), 16],
])(
  'S-113 frames that wait for the answer to a resume are bounded %s: one more closes with 4007',
  async (_name, text, fit) => {
    const { back } = await resuming();
    for (let i = 0; i < fit; i++) back.connection.send(text);
    expect(back.closed).toBeUndefined();
    back.connection.send(text);
    expect(back.closed).toBe(4007);
  },
);

test('S-71 frames that wait for the answer to a resume leave behind it', async () => {
  const { cluster, back, gate } = await resuming();
  back.connection.send('{"type":"message","data":1}');
  expect(back.types).toEqual(['welcome']);
  gate.open();
  await cluster.run();
  expect(back.types).toEqual(['welcome', 'resumed', 'message']);
});
