/** The order of frames while an operation is under way, and the limits that count on one node. Titles name the rules of docs/service-contracts.md. */
import { describe, expect, test } from 'vitest';
import { MAILBOX } from '../../backplane/types.ts';
import { Client, pair } from '../testing.ts';

describe('order and limits', () => {
  test('S-32 frames right behind a join or a resume wait for it', async () => {
    const { cluster, n1, n2, b } = await pair();
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'joinRoom' ? slow.promise : undefined);
    const c = new Client(n1, 'eve');
    c.send({ type: 'join', roomId: 'r' });
    for (let n = 1; n <= 3; n++) c.send({ type: 'message', data: n });
    await cluster.run();
    const moved = new Client(n2, 'eve');
    slow.open();
    await cluster.run();
    expect(b.of('message').map((m) => m.data)).toEqual([1, 2, 3]);
    moved.send({ type: 'resume', sessionToken: c.token });
    moved.send({ type: 'message', peerId: b.peerId, data: 4 });
    await cluster.run();
    expect(moved.of('error')).toEqual([]);
    expect(b.of('message').map((m) => [m.peerId, m.data])).toEqual([1, 2, 3, 4].map((n) => [c.peerId, n]));
  });

  test('S-32 what is on its way to a mailbox when the peer comes back arrives before what comes next', async () => {
    const { cluster, n1, a } = await pair();
    const c = new Client(n1, 'eve');
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    a.connection.onClosed(1006);
    await cluster.run();
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'park' ? slow.promise : undefined);
    c.send({ type: 'message', peerId: a.peerId, data: 1 });
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    c.send({ type: 'message', peerId: a.peerId, data: 2 });
    await cluster.run();
    slow.open();
    await cluster.run();
    expect(back.of('message').map((m) => m.data)).toEqual([1, 2]);
  });

  test('S-34 who is back while something is on its way to its mailbox gets what goes to everybody as well, behind it', async () => {
    const { cluster, n1, a, b } = await pair();
    const c = new Client(n1, 'eve');
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    a.connection.onClosed(1006);
    await cluster.run();
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'park' ? slow.promise : undefined);
    c.send({ type: 'message', peerId: a.peerId, data: 1 });
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    expect(back.types).toContain('resumed');
    b.send({ type: 'message', data: 2 });
    await cluster.run();
    expect(c.of('message').map((m) => m.data)).toEqual([2]);
    slow.open();
    await cluster.run();
    expect(back.of('message').map((m) => m.data)).toEqual([1, 2]);
  });

  test('S-32 S-34 the same for a peer that comes back here from another node, and for what is said to all', async () => {
    const { cluster, n1, n2, a, b } = await pair();
    const far = new Client(n2, 'eve');
    far.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    b.connection.onClosed(1006);
    await cluster.run();
    const slow = cluster.gate();
    cluster.before = (node, operation) => (node === 'n1' && operation === 'park' ? slow.promise : undefined);
    a.send({ type: 'message', peerId: b.peerId, data: 1 });
    const back = new Client(n1, 'bob');
    back.send({ type: 'resume', sessionToken: b.token });
    await cluster.run();
    expect(back.types).toContain('resumed');
    expect(far.types).toContain('peer_back');
    a.send({ type: 'message', peerId: b.peerId, data: 2 });
    a.send({ type: 'message', data: 3 });
    far.send({ type: 'message', data: 'far' });
    await cluster.run();
    slow.open();
    await cluster.run();
    a.send({ type: 'message', peerId: b.peerId, data: 4 });
    await cluster.run();
    expect(back.of('message').map((m) => m.data)).toEqual([1, 2, 3, 'far', 4]);
  });

  test('S-75 of more than a mailbox holds, behind one slow park, the first are kept and only the rest is refused', async () => {
    const { cluster, n1, a, b } = await pair();
    a.connection.onClosed(1006);
    await cluster.run();
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'park' ? slow.promise : undefined);
    for (let id = 1; id <= 290; id++) b.send({ type: 'message', peerId: a.peerId, id, data: id });
    await cluster.run();
    slow.open();
    await cluster.run();
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    const kept = back.of('message').map((m) => m.data as number);
    const refused = b.of('error').map((m) => m.id as number);
    expect(kept).toHaveLength(MAILBOX.maxFrames);
    expect([...kept, ...refused]).toEqual(Array.from({ length: 290 }, (_, i) => i + 1));
  });

  test('S-15 the connections of one user share what one user may send', async () => {
    const { cluster, n1 } = await pair();
    const all = Array.from({ length: 5 }, (_, i) => new Client(n1, 'eve', {}, `login ${i}`));
    for (const c of all) for (let i = 0; i < 280; i++) c.send({ type: 'ping' });
    const refused = all.map((c) => c.of('error').filter((m) => m.code === 'rate_limited').length);
    expect(refused.slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(refused[4]).toBeGreaterThan(0);
    const other = new Client(n1, 'dan');
    other.send({ type: 'ping' });
    expect(other.types).toContain('pong');
    await cluster.run(30_000);
    for (const c of all.slice(0, 4)) {
      c.send({ type: 'ping' });
      expect(c.heard.at(-1)).toMatchObject({ type: 'pong' });
    }
  });

  test('S-93 who keeps sending while the backplane is away is told so each time, and not closed for it', async () => {
    const { cluster, a, b } = await pair();
    cluster.away();
    await cluster.run(5000);
    for (let id = 1; id <= 100; id++) a.send({ type: 'message', peerId: b.peerId, id, data: id });
    expect(a.of('error')).toHaveLength(100);
    expect(a.of('error')[0]).toMatchObject({ code: 'unavailable', id: 1, peerId: b.peerId, retryAfter: 2000 });
    expect(a.closed).toBeUndefined();
  });
});
