/** S-18: what one user makes a node and the store send is bounded, whichever message brings it about. */
import { expect, test } from 'vitest';
import { Client, Cluster } from '../testing.ts';

const ABOUT = 'x'.repeat(1900);
/** A burst of the budget: two seconds of 2 MiB. */
const BURST = 4 * 2 ** 20;

/** @returns everybody of room `r`, each with metadata of nearly the largest size */
async function roomOf(count: number) {
  const cluster = new Cluster();
  const node = await cluster.node('n1');
  const clients: Client[] = [];
  for (let i = 0; i < count; i++) {
    const client = new Client(node, `user ${i}`);
    client.send({ type: 'join', roomId: 'r', metadata: { about: ABOUT } });
    await cluster.run(1);
    clients.push(client);
  }
  await cluster.run(5000);
  for (const client of clients) client.heard.length = 0;
  const [first, ...others] = clients;
  if (!first) throw new Error('nobody');
  return { cluster, node, first, others };
}

const bytesOf = (clients: readonly Client[], type: string) =>
  clients.flatMap((client) => client.of(type)).reduce((sum, heard) => sum + JSON.stringify(heard).length, 0);

test.each([
  ['asks for the list again and again', () => ({ type: 'join', roomId: 'r' }), 'joined'],
  [
    'changes its metadata again and again',
    (i: number) => ({ type: 'update', metadata: { about: ABOUT, i } }),
    'peer_updated',
  ],
])('a member that %s gets or sends a burst of it, and no more for a while', async (_name, make, type) => {
  const { cluster, first, others } = await roomOf(40);
  for (let i = 0; i < 250; i++) first.send(make(i));
  await cluster.run(1);
  const bytes = bytesOf([first, ...others], type);
  expect(bytes).toBeGreaterThan(BURST / 4);
  expect(bytes).toBeLessThan(BURST * 1.1);
  expect(first.of('error')).toMatchObject([{ code: 'rate_limited' }]);
  await cluster.run(2000);
  first.send(make(-1));
  expect(bytesOf([first, ...others], type), 'later it may again').toBeGreaterThan(bytes);
});

test('a person may look into rooms, and come and go, as often as people do', async () => {
  const { cluster, node } = await roomOf(2);
  const visitor = new Client(node, 'visitor');
  let reads = 0;
  cluster.before = (_node, operation) => {
    if (operation === 'joinRoom' || operation === 'lookIntoRoom') reads++;
  };
  for (let i = 0; i < 10; i++)
    for (const type of ['look', 'join', 'leave']) {
      visitor.send({ type, roomId: 'r' });
      await cluster.run(20);
    }
  expect([reads, visitor.of('error')]).toEqual([20, []]);
  for (let i = 0; i < 250; i++) visitor.send({ type: 'look', roomId: 'r', ref: i + 1 });
  await cluster.run(200);
  expect(reads).toBeLessThan(100);
  const refused = visitor.of('error');
  expect(refused.at(-1), 'S-45 it is answered').toMatchObject({ code: 'rate_limited', replyTo: 'look', ref: 250 });
  expect(visitor.of('done').length + refused.length).toBe(250);
});

test.each([50, 12_000])('S-15 sockets that a user opens %i ms after each other share one budget', async (gapMs) => {
  const cluster = new Cluster();
  const node = await cluster.node('n1');
  const listener = new Client(node, 'listener');
  listener.send({ type: 'join', roomId: 'r' });
  const own: Client[] = [];
  for (let i = 0; i < 10; i++) {
    const client = new Client(node, 'mallory', { duplicate: 'allow' });
    client.send({ type: 'join', roomId: 'r' });
    await cluster.run(gapMs);
    own.push(client);
  }
  // Three seconds' worth of the frames of a user are 1,200.
  for (let i = 0; i < 200; i++) for (const client of own) client.send({ type: 'message', data: 'x' });
  expect(listener.of('message').length).toBeLessThanOrEqual(1200);
});
