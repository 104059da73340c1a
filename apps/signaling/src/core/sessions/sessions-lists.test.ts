/** What a session is given of its room, and what is kept of it. Titles name the rules of docs/service-contracts.md. */
import { describe, expect, test } from 'vitest';
import { Client, pair } from '../testing.ts';

describe('lists are made when they are sent', () => {
  interface Seen {
    readonly away: boolean;
    readonly audio: unknown;
  }
  /** What a client without the SDK makes of what one socket hears: a list replaces its view, an event changes it. */
  function viewOf(client: Client) {
    const view = new Map<string, Seen>();
    let listed: number | undefined;
    const stale: string[] = [];
    for (const { type, version, peers, peerId, metadata, away } of client.heard) {
      const isList = type === 'joined' || type === 'resumed' || type === 'room';
      if (!isList && !type.startsWith('peer_')) continue;
      if (isList) {
        view.clear();
        for (const p of peers) view.set(p.peerId, { away: p.away === true, audio: p.metadata?.audio });
        listed = version;
        continue;
      }
      if (listed === undefined || version < listed) stale.push(`${type} of ${version} after a list of ${listed}`);
      const known = view.get(peerId as string);
      if (type === 'peer_left') view.delete(peerId as string);
      else if (type === 'peer_joined') view.set(peerId as string, { away: away === true, audio: metadata?.audio });
      else if (known && type === 'peer_updated') view.set(peerId as string, { ...known, audio: metadata.audio });
      else if (known) view.set(peerId as string, { ...known, away: type === 'peer_away' });
    }
    return { view, stale };
  }

  test('S-26 eight who resume at once on one node see each other, here and as they are', async () => {
    const { cluster, n1, a, b } = await pair();
    const eight = [a, ...Array.from({ length: 7 }, (_, i) => new Client(n1, `user ${i}`))];
    for (const c of eight.slice(1)) c.send({ type: 'join', roomId: 'r', metadata: { audio: true } });
    await cluster.run();
    for (const c of eight) c.connection.onClosed(1006);
    await cluster.run();
    // Each answer of the store takes its own time.
    cluster.after = () => new Promise((resolve) => void cluster.clock.at(cluster.random.int(1, 9), resolve));
    const back = eight.map((c) => {
      const next = new Client(n1, c.connection.identity.userId);
      next.send({ type: 'resume', sessionToken: c.token });
      return next;
    });
    await cluster.run(200);
    const others = (of: Client) => [...eight, b].map((c) => c.peerId).filter((id) => id !== of.peerId);
    for (const [i, c] of back.entries()) {
      const { view, stale } = viewOf(c);
      expect(stale).toEqual([]);
      const self = eight[i] as Client;
      expect([...view].filter(([, seen]) => seen.away)).toEqual([]);
      expect([...view.keys()].sort()).toEqual(others(self).sort());
      expect(c.types.slice(0, 2)).toEqual(['welcome', 'resumed']);
    }
  });

  test('S-26 nothing about a room reaches a socket before its list, and nothing behind it that is in it', async () => {
    const { cluster, n1, n2 } = await pair();
    cluster.after = () => new Promise((resolve) => void cluster.clock.at(cluster.random.int(1, 9), resolve));
    const all = Array.from({ length: 12 }, (_, i) => new Client(i % 2 ? n1 : n2, `user ${i}`));
    for (const c of all) {
      c.send({ type: 'join', roomId: 'r', metadata: { audio: false } });
      c.send({ type: 'update', metadata: { audio: true } });
      await cluster.run(cluster.random.int(0, 3));
    }
    await cluster.run(200);
    for (const c of all) {
      const { view, stale } = viewOf(c);
      expect(stale).toEqual([]);
      expect([...view.values()].filter((seen) => seen.audio === true)).toHaveLength(11);
    }
  });

  test('S-71 what a peer sends while a resume is under way comes behind what was parked', async () => {
    const { cluster, n1, a } = await pair();
    const c = new Client(n1, 'eve');
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    a.connection.onClosed(1006);
    await cluster.run();
    const say = (data: number) => c.send({ type: 'message', peerId: a.peerId, data });
    say(1);
    await cluster.run();
    const slow = cluster.gate();
    cluster.after = (_node, operation) => (operation === 'joinRoom' ? slow.promise : undefined);
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    say(2);
    await cluster.run();
    expect(back.types).toEqual(['welcome']);
    slow.open();
    await cluster.run();
    say(3);
    await cluster.run();
    expect(back.types.filter((type) => !type.startsWith('peer_'))).toEqual([
      'welcome',
      'resumed',
      'message',
      'message',
      'message',
    ]);
    expect(back.of('message').map((m) => m.data)).toEqual([1, 2, 3]);
  });

  test('S-26 after a store that went back the list says so, and what comes next counts from there', async () => {
    const { cluster, a, b } = await pair();
    const room = cluster.hub.rooms.get('r');
    if (!room) throw new Error('no room');
    room.version -= 1;
    await cluster.run(12_000);
    a.send({ type: 'update', metadata: { audio: true } });
    await cluster.run();
    const { view, stale } = viewOf(b);
    expect(stale).toEqual([]);
    expect(view.get(a.peerId)?.audio).toBe(true);
  });
});

describe('what is kept of a peer is bounded', () => {
  test('S-25 metadata that grows by joining again and again is refused at the bound of all of it', async () => {
    const { cluster, n1, b } = await pair();
    const c = new Client(n1, 'eve');
    for (let n = 0; n < 90; n++) {
      c.send({ type: 'join', roomId: 'r', metadata: { [`key${n}`]: 'x'.repeat(1800) } });
      await cluster.run();
      c.send({ type: 'leave' });
      await cluster.run(1000);
    }
    const largest = Math.max(...b.of('peer_joined').map((m) => JSON.stringify(m).length));
    expect(largest).toBeLessThan(2500);
    const refused = c.of('error').filter((m) => m.replyTo === 'join');
    expect(refused).toHaveLength(89);
    for (const error of refused) expect(error).toMatchObject({ code: 'too_large', field: '/metadata' });
  });

  test('S-21 joining again with other metadata is an update', async () => {
    const { cluster, a, b } = await pair();
    a.send({ type: 'join', roomId: 'r', metadata: { name: 'Ada', audio: false } });
    await cluster.run();
    a.send({ type: 'join', roomId: 'r', metadata: { audio: true } });
    a.send({ type: 'join', roomId: 'r', metadata: { audio: true } });
    await cluster.run();
    expect(b.of('peer_updated').map((m) => m.metadata)).toEqual([
      { name: 'Ada', audio: false },
      { name: 'Ada', audio: true },
    ]);
    expect(a.of('joined')).toHaveLength(4);
  });
});
