import { expect, test } from 'vitest';
import { pair } from '../testing.ts';

test('S-32 a node that was taken for dead, and is not, receives everything once it is heard again', async () => {
  const { cluster, a, b } = await pair();
  const say = async (data: number) => {
    a.send({ type: 'message', peerId: b.peerId, data });
    b.send({ type: 'message', peerId: a.peerId, data });
    await cluster.run();
  };
  for (let n = 1; n <= 5; n++) await say(n);
  // The beats of n2 take longer than a node may be silent: n1 forgets it, and n2 does not forget n1.
  cluster.before = (node, operation) =>
    node === 'n2' && operation === 'beat'
      ? new Promise((resolve) => void cluster.clock.at(60_000, resolve))
      : undefined;
  await cluster.run(50_000);
  cluster.back();
  await cluster.run(60_000);
  for (let n = 6; n <= 8; n++) await say(n);
  expect(b.of('message').map((m) => m.data)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(a.of('message').map((m) => m.data)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});
