/** The part of the contract about the members of a room and the order of writes about them; see contract.ts. */
import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import type { MemberRecord } from '../types.ts';
import { at, member, ms, type StartBackplane } from './contract-support.ts';

export function memberContract(start: StartBackplane): void {
  test('B-1 a join answers with the room as it is, versions grow by one, and info comes back byte for byte', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const first = await a.joinRoom(room, member('p1', a.name), { limit: 10, loginSession: 'l' });
    const second = await a.joinRoom(room, member('p2', a.name), { limit: 10, loginSession: 'l' });
    if (!first.ok || !second.ok) throw new Error('refused');
    expect(first.state.members).toEqual([member('p1', a.name)]);
    expect(second.state.version).toBe(first.state.version + 1);
    expect(second.state.members.map((m) => m.peerId).sort()).toEqual(['p1', 'p2']);
  });

  test('B-3 a member record of a lower epoch is never written over a higher one, nor removes it', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await a.joinRoom(room, member('p', a.name, { epoch: 5 }), { limit: 0, loginSession: 'l' });
    const put = await a.putMember(room, member('p', 'stale', { epoch: 4 }));
    const joined = await a.joinRoom(room, member('p', 'stale', { epoch: 4 }), { limit: 0, loginSession: 'l' });
    const dropped = await a.dropMember(room, 'p', at(4));
    for (const state of [put, joined.ok ? joined.state : put, dropped])
      expect(state.members).toMatchObject([{ node: a.name, epoch: 5 }]);
    expect((await a.dropMember(room, 'p', at(5))).members).toEqual([]);
  });

  test('B-32 of two writes of one owner about a member the later one stays, whatever order they come in', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const rows = async () => (await a.readRoom(room, -1))?.members;
    const write = (order: number, awayFor = 0) =>
      a.putMember(room, member('p', a.name, { order, awayFor, info: `{"userId":"p","order":${order}}` }));
    await a.joinRoom(room, member('p', a.name, { order: 3 }), { limit: 0, loginSession: 'l' });
    await write(5);
    const { version } = await write(4, 60_000);
    expect(await rows()).toEqual([
      { peerId: 'p', node: a.name, epoch: 1, order: 5, awayFor: 0, info: '{"userId":"p","order":5}' },
    ]);
    expect((await write(5)).version).toBeGreaterThan(version);
    // Left and came in again: the leave that comes late is not the last word.
    await a.joinRoom(room, member('p', a.name, { order: 7 }), { limit: 0, loginSession: 'l' });
    await a.dropMember(room, 'p', at(1, 6));
    expect(await rows()).toMatchObject([{ order: 7 }]);
    // A new owner begins anywhere.
    await a.joinRoom(room, member('p', 'b', { epoch: 2, order: 1 }), { limit: 0, loginSession: 'l' });
    await a.dropMember(room, 'p', at(1, 9));
    expect(await rows()).toMatchObject([{ node: 'b', epoch: 2, order: 1 }]);
    await a.dropMember(room, 'p', at(2, 1));
    expect(await rows()).toEqual([]);
  });

  test('B-33 an owner that takes a member over may leave what it said of itself as it is', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const info = '{"userId":"p","metadata":{"audio":false}}';
    const over = (more: Partial<MemberRecord>) =>
      a.joinRoom(room, member('p', 'b', { info: '{"userId":"p"}', ...more }), {
        ...{ limit: 0, loginSession: 'l', info: 'present' },
      });
    await a.joinRoom(room, member('p', a.name, { order: 9, info }), { limit: 0, loginSession: 'l' });
    expect(await over({ epoch: 2, order: 10 })).toMatchObject({
      ok: true,
      state: { members: [{ node: 'b', epoch: 2, order: 10, info }] },
    });
    // Without a record there is nothing to leave.
    await a.closeRoom(room);
    expect(await over({ epoch: 3 })).toMatchObject({ ok: true, state: { members: [{ info: '{"userId":"p"}' }] } });
  });

  test('B-4 putMember and dropMember of an absent member change nothing', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const joined = await a.joinRoom(room, member('p', a.name), { limit: 0, loginSession: 'l' });
    const put = await a.putMember(room, member('other', a.name));
    expect(joined.ok && put.version === joined.state.version).toBe(true);
    expect(put.members.map((m) => m.peerId)).toEqual(['p']);
  });

  test('B-5 readRoom tells nothing new at the known version, and everything otherwise', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const joined = await a.joinRoom(room, member('p', a.name), { limit: 0, loginSession: 'l' });
    if (!joined.ok) throw new Error('refused');
    expect(await a.readRoom(room, joined.state.version)).toBeUndefined();
    expect(await a.readRoom(room, 0)).toEqual(joined.state);
    const other = randomUUID();
    const check = [
      { room: other, peerIds: ['p'] },
      { room, peerIds: ['p', 'q'] },
    ];
    expect(await a.checkRooms(check)).toEqual([
      { version: 0, members: [undefined] },
      { version: joined.state.version, members: [{ epoch: 1, order: 1, away: false }, undefined] },
    ]);
    await a.dropMember(room, 'p', at(1));
    expect(await a.checkRooms([{ room, peerIds: [] }])).toEqual([{ version: 0, members: [] }]);
    expect(await a.readRoom(room, joined.state.version)).toEqual({ version: 0, members: [] });
  });

  test('B-6 a room that was empty starts with a higher version', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const before = await a.joinRoom(room, member('p', a.name), { limit: 0, loginSession: 'l' });
    await a.dropMember(room, 'p', at(1));
    await ms(2);
    const after = await a.joinRoom(room, member('p', a.name), { limit: 0, loginSession: 'l' });
    expect(before.ok && after.ok && after.state.version > before.state.version).toBe(true);
  });

  test('B-7 who is away too long is gone at the next read', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await a.joinRoom(room, member('stays', a.name), { limit: 0, loginSession: 'l' });
    await a.joinRoom(room, member('goes', a.name), { limit: 0, loginSession: 'l' });
    const away = await a.putMember(room, member('goes', a.name, { awayFor: 80 }));
    const left = away.members.find((m) => m.peerId === 'goes')?.awayFor ?? 0;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(80);
    await vi.waitFor(async () => {
      const state = await a.readRoom(room, 0);
      expect(state?.members.map((m) => m.peerId)).toEqual(['stays']);
      expect(state?.version).toBeGreaterThan(away.version);
    }, 5000);
  });

  test('B-7 who comes back in the moment that its time is over is in, for later readers too', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await a.joinRoom(room, member('stays', a.name), { limit: 0, loginSession: 'l' });
    await a.joinRoom(room, member('p', a.name, { awayFor: 20 }), { limit: 0, loginSession: 'l' });
    await ms(60);
    const back = await a.joinRoom(room, member('p', a.name, { epoch: 2 }), { limit: 0, loginSession: 'l' });
    if (!back.ok) throw new Error('refused');
    expect(back.state.members.map((m) => m.peerId).sort()).toEqual(['p', 'stays']);
    const read = await a.readRoom(room, -1);
    expect(read?.version).toBe(back.state.version);
    expect(read?.members.map((m) => m.peerId).sort()).toEqual(['p', 'stays']);
  });

  test('B-8 only members of the dead node become away, once', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await a.joinRoom(room, member('p', 'dead'), { limit: 0, loginSession: 'l' });
    await a.joinRoom(room, member('q', a.name), { limit: 0, loginSession: 'l' });
    const first = await a.markAway(room, 'p', 'dead', 60_000);
    const again = await a.markAway(room, 'p', 'dead', 10);
    const wrong = await a.markAway(room, 'q', 'dead', 10);
    expect(first.members.find((m) => m.peerId === 'p')?.awayFor).toBeGreaterThan(50_000);
    expect(again.version).toBe(first.version);
    expect(wrong.version).toBe(first.version);
    expect(wrong.members.find((m) => m.peerId === 'q')?.awayFor).toBe(0);
  });

  test('B-10 closing a room answers with who was in it', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await a.joinRoom(room, member('p', a.name), { limit: 0, loginSession: 'l' });
    expect((await a.closeRoom(room)).members.map((m) => m.peerId)).toEqual(['p']);
    expect(await a.readRoom(room, 1)).toEqual({ version: 0, members: [] });
  });
}
