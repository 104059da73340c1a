/** What every backplane must do. Run by memory.test.ts and redis.integration.test.ts; rules B-… of docs/service-contracts.md. */
import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import {
  type Backplane,
  FORCED,
  type JoinRule,
  MAILBOX,
  MEDIA_PREFIX,
  type MemberRecord,
  type SessionRecord,
  userTag,
  type WriteMark,
} from '../types.ts';
import { OPEN_RULES, roomContract } from './room-contract.ts';

const ms = (n: number) => new Promise((resolve) => setTimeout(resolve, n));
const member = (peerId: string, node: string, more: Partial<MemberRecord> = {}): MemberRecord => ({
  peerId,
  node,
  epoch: 1,
  order: 1,
  awayFor: 0,
  info: `{"userId":"${peerId}","loginSession":"l","metadata":{"name":"Ü {}|\\"x","list":[]}}`,
  ...more,
});
const session = (peerId: string, node: string, more: Partial<SessionRecord> = {}): SessionRecord => ({
  peerId,
  node,
  epoch: 1,
  order: 1,
  secretHash: 'hash',
  userId: 'ada',
  loginSession: 'l',
  room: 'room',
  info: '{"userId":"ada","loginSession":"l"}',
  ...more,
});

/** What an owner of that epoch wrote first. */
const at = (epoch: number, order = 1): WriteMark => ({ epoch, order });

/** @param connect gives a backplane on the shared state; the suite starts it and disposes of it */
const peerOf = (userId: string) => randomUUID() + userTag(userId);
/** Sharing its login session with any number of others. */
const open = (backplane: Backplane, s: SessionRecord) =>
  backplane.openSession(s, { userId: s.userId, loginSession: '' }, { limit: 0 });

export function backplaneContract(connect: () => Backplane): void {
  async function start(name: string, onBatch: (batch: string) => void = () => {}) {
    const backplane = connect();
    const node = `${name}-${randomUUID().slice(0, 8)}`;
    await backplane.start(node, { onBatch: (b) => onBatch(Buffer.from(b).toString()), onStale: () => {} });
    return Object.assign(backplane, { name: node });
  }

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

  test('B-2 room size is a hard limit, and a member may join again at it', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) => a.joinRoom(room, member(`p${i}`, a.name), { limit: 3, loginSession: 'l' })),
    );
    expect(results.filter((r) => r.ok)).toHaveLength(3);
    expect(results.filter((r) => !r.ok && r.reason === 'full')).toHaveLength(5);
    expect((await a.joinRoom(room, member('p0', a.name), { limit: 3, loginSession: 'l' })).ok).toBe(true);
  });

  test('B-43 the audience takes places of its own, under a limit of its own, and none of the room’s size', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const enter = (peerId: string, info: object, limit: number, more: Partial<JoinRule> = {}) => {
      const record = member(peerId, a.name, { info: JSON.stringify(info) });
      return a.joinRoom(room, record, { limit, loginSession: 'l', ...more });
    };
    const full = { ok: false, reason: 'full' };
    const audience = { userId: 'u', audience: true, metadata: {} };
    for (const peerId of ['p1', 'p2']) expect(await enter(peerId, { userId: 'u' }, 2)).toMatchObject({ ok: true });
    for (const peerId of ['z1', 'z2', 'z3']) expect(await enter(peerId, audience, 3)).toMatchObject({ ok: true });
    expect(await enter('p3', { userId: 'u' }, 2)).toEqual(full);
    expect(await enter('z4', audience, 3)).toEqual(full);
    // Said by a client of itself: no audience.
    const claims = [{ name: '"audience":true' }, { metadata: { x: 1, audience: true } }];
    for (const claim of claims) expect(await enter('p3', { userId: 'u', ...claim }, 2)).toEqual(full);
    // A size that a token sets is that of who is no audience; and a place is freed for its own kind alone.
    expect(await enter('z4', audience, 9, { roomSize: 1 })).toMatchObject({ ok: true });
    await a.putMember(room, member('z1', a.name, { info: JSON.stringify(audience), awayFor: 60_000, order: 2 }));
    const seat = { seat: '{"userId":"u",' };
    expect(await enter('p3', { userId: 'u' }, 2, seat)).toEqual(full);
    expect(await enter('z5', audience, 4, seat)).toEqual({ ...full, away: 'z1' });
    await a.writeSettings(room, { rules: { ...OPEN_RULES, maxPeers: 6 }, doc: '{}' }, 'new');
    expect(await enter('z6', audience, 9)).toEqual(full);
  });

  test('B-34 the agent of a media node does not count for the size of a room', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const rule = { limit: 2, loginSession: 'l' };
    const agent = member(`${MEDIA_PREFIX}${randomUUID()}`, a.name);
    expect((await a.joinRoom(room, agent, { limit: 0, loginSession: 'm' })).ok).toBe(true);
    expect((await a.joinRoom(room, member('p1', a.name), rule)).ok).toBe(true);
    expect((await a.joinRoom(room, member('p2', a.name), rule)).ok).toBe(true);
    expect((await a.joinRoom(room, member('p3', a.name), rule)).ok).toBe(false);
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

  test('B-32 of two writes of one owner about a session the later one stays, whatever order they come in', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    const identity = { userId: 'ada', loginSession: '' };
    await open(a, session(p, a.name, { order: 2 }));
    const attached = async () => (await a.findSession(p))?.attached;
    // Came back before it was said that it went.
    await a.syncSession(session(p, a.name, { order: 4 }), true, 1000);
    await a.detachSession(p, at(1, 3), a.name, 60_000);
    expect(await attached()).toBe(true);
    await a.detachSession(p, at(1, 5), a.name, 60_000);
    await a.park(p, ['x']);
    expect(await a.syncSession(session(p, a.name, { order: 4 }), true, 1000)).toEqual({ kind: 'ours', parked: [] });
    expect(await attached()).toBe(false);
    await a.closeSession(p, at(1, 4), identity);
    expect(await a.syncSession(session(p, a.name, { order: 6 }), true, 1000)).toEqual({ kind: 'ours', parked: ['x'] });
    // A node that finds it dead is not behind its owner.
    await a.detachSession(p, { ...FORCED, epoch: 1 }, a.name, 60_000);
    expect(await attached()).toBe(false);
    expect(await a.resumeSession(p, 'hash', 'ada')).toMatchObject({ session: { epoch: 2, order: 6 } });
    await a.closeSession(p, at(2, 6), identity);
    expect(await attached()).toBeUndefined();
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

  test('B-9 a ban keeps the login session out of that room, and ends', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await a.joinRoom(room, member('p', a.name), { limit: 10, loginSession: 'bad' });
    await a.dropMember(room, 'p', FORCED, { ban: { loginSession: 'bad', ms: 150 } });
    expect(await a.joinRoom(room, member('p', a.name), { limit: 10, loginSession: 'bad' })).toEqual({
      ok: false,
      reason: 'banned',
    });
    expect((await a.joinRoom(room, member('q', a.name), { limit: 10, loginSession: 'good' })).ok).toBe(true);
    expect((await a.joinRoom(randomUUID(), member('p', a.name), { limit: 10, loginSession: 'bad' })).ok).toBe(true);
    await vi.waitFor(async () => {
      expect((await a.joinRoom(room, member('p', a.name), { limit: 10, loginSession: 'bad' })).ok).toBe(true);
    }, 5000);
  });

  test('B-9 a ban of a user keeps every login of that user out of that room, and nobody else', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const enter = (peerId: string, loginSession: string, userId?: string) =>
      a.joinRoom(room, member(peerId, a.name), {
        limit: 10,
        loginSession,
        ...(userId === undefined ? {} : { userId }),
      });
    await enter('p', 'first', 'bad {user} ü');
    const ban = { loginSession: 'first', userId: 'bad {user} ü', ms: 60_000 };
    await a.dropMember(room, 'p', FORCED, { ban });
    for (const login of ['first', 'second'])
      expect(await enter('p', login, 'bad {user} ü')).toEqual({ ok: false, reason: 'banned' });
    // A guest may call himself as he likes: no proven user's ban is his, and he has no way round that of his login.
    expect((await enter('q', 'third')).ok).toBe(true);
    expect((await enter('r', 'fourth', 'bad')).ok).toBe(true);
    expect(await enter('s', 'first')).toEqual({ ok: false, reason: 'banned' });
  });

  test('B-36 a full room says which member of the same user is away, and its seat goes over in one step', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const of = (peerId: string, user: string, more: Partial<MemberRecord> = {}) =>
      member(peerId, a.name, { info: `{"userId":"${user}","metadata":{"x":"{\\"userId\\":\\"ada\\""}}`, ...more });
    const ada = { seat: '{"userId":"ada",' };
    const members = async () => ((await a.readRoom(room, -1))?.members ?? []).map((m) => m.peerId).sort();
    await a.joinRoom(room, of('here', 'ada'), { limit: 3, loginSession: 'l' });
    await a.joinRoom(room, of('other', 'ad'), { limit: 3, loginSession: 'l' });
    const before = await a.joinRoom(room, of('other2', 'adam', { awayFor: 60_000 }), { limit: 3, loginSession: 'l' });
    // A member that is here keeps its seat, whoever it is, and so does somebody else's that is away.
    expect(await a.joinRoom(room, of('new', 'ada'), { limit: 3, loginSession: 'l', ...ada })).toEqual({
      ok: false,
      reason: 'full',
    });
    await a.putMember(room, of('here', 'ada', { awayFor: 60_000 }));
    expect(await a.joinRoom(room, of('new', 'ada'), { limit: 3, loginSession: 'l' })).toEqual({
      ok: false,
      reason: 'full',
    });
    const told = { ok: false, reason: 'full', away: 'here' };
    expect(await a.joinRoom(room, of('new', 'ada'), { limit: 3, loginSession: 'l', ...ada })).toEqual(told);
    expect(
      await a.joinRoom(room, of('new', 'ada'), { limit: 3, loginSession: 'l', ...ada, replaces: 'other2' }),
    ).toEqual(told);
    expect(await members()).toEqual(['here', 'other', 'other2']);
    const after = await a.joinRoom(room, of('new', 'ada'), { limit: 3, loginSession: 'l', ...ada, replaces: 'here' });
    if (!before.ok || !after.ok) throw new Error('refused');
    // Away, then gone and come: three changes.
    expect(after.state.version).toBe(before.state.version + 3);
    expect(await members()).toEqual(['new', 'other', 'other2']);
    // With room for both, the one that is away stays.
    await a.putMember(room, of('new', 'ada', { awayFor: 60_000 }));
    await a.joinRoom(room, of('newer', 'ada'), { limit: 4, loginSession: 'l', ...ada, replaces: 'new' });
    expect(await members()).toEqual(['new', 'newer', 'other', 'other2']);
  });

  test('B-35 a room has the smallest size that anybody in it brought, for everybody, until it is empty', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const enter = async (peerId: string, roomSize?: number) => {
      const result = await a.joinRoom(room, member(peerId, a.name), {
        ...{ limit: 9, loginSession: 'l' },
        ...(roomSize === undefined ? {} : { roomSize }),
      });
      return result.ok || result.reason;
    };
    expect(await enter('p1', 3)).toBe(true);
    expect(await enter('p2', 5)).toBe(true);
    // It does not fit in what it asks for itself, and changes nothing.
    expect(await enter('p3', 2)).toBe('full');
    expect(await enter('p3')).toBe(true);
    expect([await enter('p4'), await enter('p4', 5)]).toEqual(['full', 'full']);
    // A ban, whose end clears what is over, leaves the size.
    await a.dropMember(room, 'p3', FORCED, { ban: { loginSession: 'bad', ms: 1 } });
    await ms(3);
    await a.dropMember(room, 'nobody', FORCED, { ban: { loginSession: 'bad', ms: 1 } });
    expect([await enter('p3'), await enter('p4')]).toEqual([true, 'full']);
    for (const peerId of ['p1', 'p2', 'p3']) await a.dropMember(room, peerId, FORCED);
    for (const peerId of ['p1', 'p2', 'p3', 'p4']) expect(await enter(peerId)).toBe(true);
    await a.closeRoom(room);
    expect([await enter('p1', 2), await enter('p2'), await enter('p3')]).toEqual([true, true, 'full']);
  });

  roomContract(() => start('a'));

  test('B-10 closing a room answers with who was in it', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await a.joinRoom(room, member('p', a.name), { limit: 0, loginSession: 'l' });
    expect((await a.closeRoom(room)).members.map((m) => m.peerId)).toEqual(['p']);
    expect(await a.readRoom(room, 1)).toEqual({ version: 0, members: [] });
  });

  test('B-11 a resume takes the session over: next epoch, new node, and the mailbox in order, once', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const p = peerOf('ada');
    await open(a, session(p, a.name));
    await a.detachSession(p, at(1), a.name, 60_000);
    await a.park(p, ['1', '2']);
    await b.park(p, ['3']);
    const resumed = await b.resumeSession(p, 'hash', 'ada');
    expect(resumed).toEqual({
      ok: true,
      session: session(p, b.name, { epoch: 2 }),
      previousNode: a.name,
      parked: ['1', '2', '3'],
    });
    await b.claim({ userId: 'ada', loginSession: '' }, p, { limit: 0, expect: '' });
    expect(await a.resumeSession(p, 'hash', 'ada')).toMatchObject({ ok: true, session: { epoch: 3 }, parked: [] });
  });

  test('B-46 what a resume took is handed over again until its node has claimed the session, in front of what came since', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const p = peerOf('ada');
    await open(a, session(p, a.name));
    await a.detachSession(p, at(1), a.name, 60_000);
    await a.park(p, ['1', '2']);
    // Its node never heard the answer, and a node that found it dead said so.
    await a.resumeSession(p, 'hash', 'ada');
    await b.detachSession(p, { ...FORCED, epoch: 2 }, a.name, 60_000);
    await b.park(p, ['3']);
    expect(await b.resumeSession(p, 'hash', 'ada')).toMatchObject({ session: { epoch: 3 }, parked: ['1', '2', '3'] });
    // Nor did this one, which looks it up.
    expect(await b.syncSession(session(p, b.name, { epoch: 3, order: 2 }), true, 1000)).toEqual({
      ...{ kind: 'ours', parked: ['1', '2', '3'] },
    });
    expect(await b.syncSession(session(p, b.name, { epoch: 3, order: 2 }), true, 1000)).toMatchObject({ parked: [] });
    expect(await a.resumeSession(p, 'hash', 'ada')).toMatchObject({ session: { epoch: 4 }, parked: [] });
  });

  test('B-12 nobody resumes with another secret, as another user, or a session that is not there', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    await open(a, session(p, a.name));
    expect(await a.resumeSession(p, 'wrong', 'ada')).toEqual({ ok: false });
    expect(await a.resumeSession(p, 'hash', 'eve')).toEqual({ ok: false });
    expect(await a.resumeSession(peerOf('ada'), 'hash', 'ada')).toEqual({ ok: false });
    expect(await a.findSession(p)).toMatchObject({ node: a.name, attached: true });
  });

  test.each([
    ['spaces and braces', 'a b}{c} {d:e', 'l {1} '],
    ['no ASCII at all', '\u{1F468}\u200D\u{1F469} \u00e9\u0301\u2028', 'Anmeldung \u00fc'],
    ['half a character', 'x\ud800', '\udc00 y'],
    ['percent signs and line ends', '%7B%\r\n%', '\t\n'],
    ['as long as may be', '\u{1F600}'.repeat(64), '{'.repeat(64)],
  ])('B-12 users and login sessions are told apart whatever their names: %s', async (_what, userId, loginSession) => {
    await using a = await start('a');
    const [p, q] = [peerOf(userId), peerOf(userId)];
    const identity = { userId, loginSession };
    const of = (peerId: string) => session(peerId, a.name, { userId, loginSession, info: '{"userId":" } {\\n"}' });
    expect(await a.openSession(of(p), identity, { limit: 2 })).toEqual({ kind: 'ours', previous: undefined });
    expect(await a.openSession(of(q), identity, { limit: 2, expect: '' })).toEqual({ kind: 'held', by: p });
    // Its own first try was carried out, and the answer lost.
    expect(await a.openSession(of(p), identity, { limit: 2, expect: '' })).toEqual({ kind: 'ours', previous: p });
    for (const other of [`${userId} `, userId.slice(1), ''])
      expect(await a.resumeSession(p, 'hash', other)).toEqual({ ok: false });
    await a.detachSession(p, at(1), a.name, 60_000);
    await a.park(p, ['']);
    const back = await a.resumeSession(p, 'hash', userId);
    if (!back.ok) throw new Error('refused');
    expect(back).toMatchObject({ session: { room: 'room', epoch: 2, info: of(p).info }, parked: [''] });
    // What is no Unicode comes back as such.
    const wellFormed = [back.session.userId, back.session.loginSession].map((text) => text.toWellFormed());
    expect(wellFormed).toEqual([userId.toWellFormed(), loginSession.toWellFormed()]);
    await a.closeSession(p, at(2), identity);
    expect(await a.openSession(of(q), identity, { limit: 1, expect: '' })).toEqual({
      kind: 'ours',
      previous: undefined,
    });
    await a.closeSession(q, at(1), identity);
  });

  test.each(['{', '}{', '{x}y{', 'a b', '\ud800', 'x\n\0', '\u00e9'.repeat(500), '#', 'over'])(
    'B-12 a client may ask for any peer, and hears that there is none: %j',
    async (peerId) => {
      await using a = await start('a');
      expect(await a.resumeSession(peerId, 'hash', 'ada')).toEqual({ ok: false });
      expect(await a.findSession(peerId)).toBeUndefined();
      expect(await a.park(peerId, ['x'])).toEqual({ kind: 'gone' });
      expect(await a.endSession(peerId)).toBeUndefined();
    },
  );

  test('B-13 a detached session is over after its grace', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    await open(a, session(p, a.name));
    await a.detachSession(p, at(1), a.name, 60);
    await vi.waitFor(async () => expect(await a.findSession(p)).toBeUndefined(), 5000);
    expect(await a.resumeSession(p, 'hash', 'ada')).toEqual({ ok: false });
    expect(await a.park(p, ['x'])).toEqual({ kind: 'gone' });
  });

  test('B-14 a stale owner can neither detach nor sync a session', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const p = peerOf('ada');
    await open(a, session(p, a.name));
    await b.resumeSession(p, 'hash', 'ada');
    await a.detachSession(p, at(1), a.name, 1);
    const by = { node: b.name, epoch: 2 };
    expect(await a.syncSession(session(p, a.name), true, 1000)).toEqual({ kind: 'fenced', by });
    expect(await b.findSession(p)).toMatchObject({ node: b.name, attached: true });
  });

  test('B-14 of two owners of one epoch the store has one: a failover lost the resume of the other', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const p = peerOf('ada');
    await open(a, session(p, a.name, { epoch: 2, order: 3 }));
    const by = { node: a.name, epoch: 2 };
    expect(await b.syncSession(session(p, b.name, { epoch: 2, order: 9 }), true, 1000)).toEqual({ kind: 'fenced', by });
    expect(await a.syncSession(session(p, a.name, { epoch: 2, order: 4 }), true, 1000)).toMatchObject({ kind: 'ours' });
  });

  test('B-14 a stale owner cannot close a session either, nor give its places back', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const userId = randomUUID();
    const p = peerOf(userId);
    const identity = { userId, loginSession: 'l' };
    await a.openSession(session(p, a.name, { userId }), identity, { limit: 5 });
    await b.resumeSession(p, 'hash', userId);
    await a.closeSession(p, at(1), identity);
    expect(await b.findSession(p)).toMatchObject({ node: b.name, attached: true });
    const q = peerOf(userId);
    expect(await a.claim(identity, q, { limit: 5, expect: '' })).toEqual({ kind: 'held', by: p });
    await b.detachSession(p, at(2), b.name, 60_000);
    await b.park(p, ['x']);
    await b.closeSession(p, at(2), identity);
    expect(await b.findSession(p)).toBeUndefined();
    expect(await a.claim(identity, q, { limit: 1, expect: '' })).toEqual({ kind: 'ours', previous: undefined });
    await a.release(identity, q);
    // Of one that is over only the places are left.
    await a.openSession(session(p, a.name, { userId }), identity, { limit: 5 });
    await b.endSession(p);
    await a.closeSession(p, at(1), identity);
    expect(await a.claim(identity, q, { limit: 1, expect: '' })).toEqual({ kind: 'ours', previous: undefined });
    expect(await a.syncSession(session(p, a.name, { userId }), true, 1000)).toEqual({ kind: 'fenced', by: undefined });
  });

  test('B-15 a session that was lost is written again by its owner, and one ended by force is not', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    expect(await a.syncSession(session(p, a.name, { epoch: 3 }), true, 1000)).toEqual({ kind: 'ours', parked: [] });
    expect(await a.findSession(p)).toMatchObject({ node: a.name, attached: true });
    expect(await a.endSession(p)).toEqual({ room: 'room', node: a.name });
    expect(await a.syncSession(session(p, a.name, { epoch: 3 }), true, 1000)).toEqual({
      kind: 'fenced',
      by: undefined,
    });
    expect(await a.resumeSession(p, 'hash', 'ada')).toEqual({ ok: false });
    expect(await a.findSession(p)).toBeUndefined();
  });

  test('B-16 park says where an attached session is; for a dead node it parks, and sync hands over', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    await open(a, session(p, a.name));
    expect(await a.park(p, ['x'])).toEqual({ kind: 'attached', node: a.name });
    expect(await a.park(p, ['x', 'y'], a.name)).toEqual({ kind: 'parked' });
    expect(await a.syncSession(session(p, a.name), true, 1000)).toEqual({ kind: 'ours', parked: ['x', 'y'] });
    expect(await a.syncSession(session(p, a.name), true, 1000)).toEqual({ kind: 'ours', parked: [] });
  });

  test('B-17 a mailbox is bounded in frames and in bytes, and empty again after a resume', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    await open(a, session(p, a.name));
    await a.detachSession(p, at(1), a.name, 60_000);
    const big = 'x'.repeat(MAILBOX.maxBytes / 2);
    expect(await a.park(p, [big])).toEqual({ kind: 'parked' });
    expect(await a.park(p, [big, 'y'])).toEqual({ kind: 'full' });
    await a.resumeSession(p, 'hash', 'ada');
    await a.claim({ userId: 'ada', loginSession: '' }, p, { limit: 0, expect: '' });
    await a.detachSession(p, at(2), a.name, 60_000);
    const small = Array.from({ length: MAILBOX.maxFrames }, (_, i) => `${i}`);
    expect(await a.park(p, small)).toEqual({ kind: 'parked' });
    expect(await a.park(p, ['one more'])).toEqual({ kind: 'full' });
    expect(await a.resumeSession(p, 'hash', 'ada')).toMatchObject({ parked: small });
  });

  test('B-18 one login session, one holder; with `expect` only if nobody else has it', async () => {
    await using a = await start('a');
    const id = { userId: randomUUID(), loginSession: 'l' };
    const [o = '', p = '', q = '', r = '', s = ''] = [...'opqrs'].map((name) => name + userTag(id.userId));
    const any = { limit: 0 };
    const other = { ...id, loginSession: 'other' };
    expect(await a.claim(id, p, any)).toEqual({ kind: 'ours', previous: undefined });
    expect(await a.claim(other, o, { ...any, expect: '' })).toEqual({ kind: 'ours', previous: undefined });
    expect(await a.claim(id, q, any)).toEqual({ kind: 'ours', previous: p });
    expect(await a.claim(id, r, { ...any, expect: '' })).toEqual({ kind: 'held', by: q });
    expect(await a.claim(id, r, { ...any, expect: q })).toEqual({ kind: 'ours', previous: q });
    await a.release(id, q);
    expect(await a.claim(id, s, { ...any, expect: '' })).toEqual({ kind: 'held', by: r });
    await a.release(id, r);
    expect(await a.claim(id, s, { ...any, expect: '' })).toEqual({ kind: 'ours', previous: undefined });
  });

  test('B-29 sessions of one user are limited over all nodes, also those that share a login session', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const userId = randomUUID();
    const shared = { userId, loginSession: '' };
    const three = { limit: 3 };
    const peer = (name: string) => name + userTag(userId);
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        (i % 2 ? a : b).claim(i < 4 ? shared : { userId, loginSession: `l${i}` }, peer(`p${i}`), three),
      ),
    );
    const holders = results.flatMap((r, i) => (r.kind === 'ours' ? [i] : []));
    expect(holders).toHaveLength(3);
    expect(results.filter((r) => r.kind === 'full')).toHaveLength(5);
    const [first = 0] = holders;
    const identity = first < 4 ? shared : { userId, loginSession: `l${first}` };
    // Whoever is in may claim again, and a replacement takes the place of whom it replaces.
    expect(await a.claim(identity, peer(`p${first}`), three)).toMatchObject({ kind: 'ours' });
    const stranger = randomUUID();
    expect(await a.claim({ userId: stranger, loginSession: '' }, userTag(stranger), three)).toMatchObject({
      kind: 'ours',
    });
    await a.release(identity, peer(`p${first}`));
    expect(await a.claim({ userId, loginSession: 'new' }, peer('new'), three)).toMatchObject({ kind: 'ours' });
    expect(await b.claim({ userId, loginSession: 'new' }, peer('newer'), three)).toEqual({
      kind: 'ours',
      previous: peer('new'),
    });
    const full = await b.claim(shared, peer('more'), three);
    expect(full.kind === 'full' && [...full.others].sort()).toEqual(
      [...holders.slice(1).map((i) => peer(`p${i}`)), peer('newer')].sort(),
    );
  });

  test('B-30 a session is opened with its places taken, or not at all', async () => {
    await using a = await start('a');
    const [p, q] = [peerOf('eve'), peerOf('eve')];
    const of = (peerId: string) => session(peerId, a.name, { userId: 'eve', loginSession: p });
    const identity = { userId: 'eve', loginSession: p };
    expect(await a.openSession(of(p), identity, { limit: 0 })).toEqual({ kind: 'ours', previous: undefined });
    expect(await a.openSession(of(q), identity, { limit: 0, expect: '' })).toEqual({ kind: 'held', by: p });
    expect(await a.openSession(of(q), { ...identity, loginSession: '' }, { limit: 1 })).toMatchObject({ kind: 'full' });
    expect(await a.findSession(q)).toBeUndefined();
    expect(await a.openSession(of(q), identity, { limit: 0 })).toEqual({ kind: 'ours', previous: p });
    for (const peerId of [p, q])
      expect(await a.findSession(peerId)).toEqual({ node: a.name, epoch: 1, room: 'room', attached: true });
    for (const peerId of [p, q]) await a.release(identity, peerId);
  });

  test('B-19 a batch reaches the named inbox only, in order, bytes intact; where nobody listens, that is said', async () => {
    const heard: string[] = [];
    await using a = await start('a');
    await using b = await start('b', (batch) => heard.push(batch));
    for (let i = 1; i <= 50; i++) expect(await a.send(b.name, Buffer.from(`\u0001${i} ü`))).toBe(true);
    expect(await a.send(a.name, Buffer.from('\u0001not for b'))).toBe(true);
    expect(await a.send('nobody', Buffer.from('\u0001lost'))).toBe(false);
    await vi.waitFor(() => expect(heard).toHaveLength(50), 5000);
    expect(heard).toEqual(Array.from({ length: 50 }, (_, i) => `\u0001${i + 1} ü`));
  });

  test('B-20 a beat names who lives, and a node that retired or fell silent is not among them', async () => {
    await using a = await start('a');
    await using b = await start('b');
    await b.beat(60_000);
    expect(await a.beat(60_000)).toEqual(expect.arrayContaining([a.name, b.name]));
    await ms(30);
    expect(await a.beat(20)).not.toContain(b.name);
    await b.beat(60_000);
    await b.retire();
    expect(await a.beat(60_000)).not.toContain(b.name);
  });
}
