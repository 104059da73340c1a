import { expect, test, vi } from 'vitest';
import { Client, Cluster } from '../testing.ts';
import { SendBudget, sendLimits } from './send-budget.ts';

test.each([
  ['in number', '{"type":"ping"}', 512],
  ['in bytes', JSON.stringify({ type: 'ping', pad: 'x'.repeat(60_000) }), 4],
])('frames that wait behind a join are bounded %s', async (_name, text, fit) => {
  const cluster = new Cluster();
  const unlimited = {
    messagesPerSecond: 1e6,
    userMessagesPerSecond: 1e6,
    bytesPerSecond: 1e9,
    userFanOutBytesPerSecond: 1e9,
  };
  const node = await cluster.node('n1', unlimited);
  const c = new Client(node, 'ada');
  const gate = cluster.gate();
  cluster.before = (_node, operation) => (operation === 'joinRoom' ? gate.promise : undefined);
  c.send({ type: 'join', roomId: 'r' });
  await cluster.run();
  for (let i = 0; i < fit; i++) c.connection.onFrame(Buffer.from(text));
  expect(c.closed).toBeUndefined();
  c.connection.onFrame(Buffer.from(text));
  expect(c.of('error')).toMatchObject([{ code: 'rate_limited' }]);
  gate.open();
  await cluster.run();
  expect(c.closed, 'S-9 the store is late, not the client wrong').toBeUndefined();
  expect(c.of('pong')).toHaveLength(fit);
});

test('S-76 welcome and resumed say how long the token of their socket is good', async () => {
  using clock = vi.spyOn(Date, 'now').mockReturnValue(1_000_000);
  const cluster = new Cluster();
  const node = await cluster.node('n1');
  const until = (expiresAt: number) => new Client(node, 'ada', {}, 'one login', expiresAt);
  const first = until(1_900_000);
  first.send({ type: 'join', roomId: 'r' });
  await cluster.run();
  const second = until(1_960_000.4);
  clock.mockReturnValue(1_060_000);
  second.send({ type: 'resume', sessionToken: first.token });
  await cluster.run();
  const third = until(Infinity);
  third.send({ type: 'resume', sessionToken: first.token });
  await cluster.run();
  const told = [first, second, third].map((client) =>
    client.heard
      .filter(({ type }) => type === 'welcome' || type === 'resumed')
      .map(({ tokenExpiresInMs }) => tokenExpiresInMs),
  );
  expect(told).toEqual([[900_000], [960_000, 900_000], [undefined, undefined]]);
});

test('a budget refuses by frames and by bytes, says when there will be room, and a refused frame takes nothing', () => {
  const budget = new SendBudget(sendLimits(10, 1000), 0);
  for (let i = 0; i < 20; i++) expect(budget.take(0, 100)).toBe(0);
  expect(budget.take(0, 100)).toBe(100);
  expect(budget.take(50, 100)).toBe(50);
  expect(budget.take(100, 100)).toBe(0);
  // Of 30 frames and the one that 100 ms bring, 21 are gone.
  for (let i = 0; i < 10; i++) expect(budget.take(100, 0)).toBe(0);
  expect(budget.take(100, 0)).toBe(100);
  expect(budget.full(100)).toBe(false);
  expect(budget.full(10_000)).toBe(true);
});

test('what is more than a burst passes with a full bucket, and is paid off', () => {
  const budget = new SendBudget(sendLimits(10, 1000), 0);
  expect(budget.take(0, 5000)).toBe(0);
  expect(budget.take(0, 1)).toBe(3001);
  expect(budget.takeBytes(3001, 1)).toBe(0);
});
