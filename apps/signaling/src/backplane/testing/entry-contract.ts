/** The part of the contract about who may enter a room: sizes, seats, bans, locks, and asking to come in; see contract.ts. */
import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { MAX_ENTRY_REQUESTS } from '../entry-requests.ts';
import { FORCED, type JoinRule, MEDIA_PREFIX, type MemberRecord } from '../types.ts';
import { enter, member, ms, OPEN_RULES, refused, type StartBackplane, setRules } from './contract-support.ts';

export function entryContract(start: StartBackplane): void {
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

  test('B-37 settings of a room bound who enters: size, lock, end, and whether it has any', async () => {
    await using a = await start('a');
    const room = randomUUID();
    expect(await enter(a, room, 'p0', { created: true })).toEqual(refused('unknown'));
    await a.writeSettings(room, { rules: { ...OPEN_RULES, maxPeers: 2 }, doc: '{}' }, 'new');
    for (const peerId of ['p1', 'p2']) expect(await enter(a, room, peerId, { created: true })).toBe(true);
    expect(await enter(a, room, 'p3')).toEqual(refused('full'));
    await setRules(a, room, { entry: 'locked' });
    expect(await enter(a, room, 'p3')).toEqual(refused('locked'));
    expect(await enter(a, room, 'p1')).toBe(true);
    await setRules(a, room, { closesAt: Date.now() - 1000 });
    expect(await enter(a, room, 'p3')).toEqual(refused('over'));
    expect(await enter(a, room, 'p1')).toBe(true);
    await setRules(a, room, { closesAt: Date.now() + 60_000 });
    expect(await enter(a, room, 'p3')).toBe(true);
    // Restored after a loss: members stay in.
    await setRules(a, room, { entry: 'locked', maxPeers: 1 });
    expect(await enter(a, room, 'p4', { limit: 0, created: true })).toBe(true);
  });

  test('B-37 in a locked room the seat of a user that is away is still theirs', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await a.writeSettings(room, { rules: OPEN_RULES, doc: '{}' }, 'new');
    await enter(a, room, 'ada');
    await setRules(a, room, { entry: 'locked' });
    const mine = { seat: '{"userId":"ada",' };
    expect(await enter(a, room, 'new', mine)).toEqual(refused('locked'));
    await a.putMember(room, member('ada', a.name, { awayFor: 60_000, order: 2 }));
    expect(await enter(a, room, 'new', mine)).toEqual({ ...refused('full'), away: 'ada' });
    expect(await enter(a, room, 'new', { ...mine, replaces: 'ada' })).toBe(true);
    expect((await a.readRoom(room, -1))?.members.map((m) => m.peerId)).toEqual(['new']);
  });

  test('B-42 where one asks to come in, who asks is known to the room until answered, and nobody enters by asking', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await a.writeSettings(room, { rules: { ...OPEN_RULES, entry: 'ask' }, doc: '{}' }, 'new');
    expect(await enter(a, room, 'host', { moderates: true })).toBe(true);
    const before = await a.readRoom(room, -1);
    expect(before).toMatchObject({ entry: 'ask' });
    const ask = (peerId: string, loginSession: string) =>
      enter(a, room, peerId, { loginSession, entryRequest: `{"userId":"${peerId}","metadata":{"name":"ü\\t x"}}` });
    const waiting = (isNew: boolean) => ({ ...refused('waiting'), isNew });
    expect(await ask('p1', 'l1')).toEqual(waiting(true));
    expect(await ask('p1', 'l1')).toEqual(waiting(false));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await ask('p2', 'l2')).toEqual(waiting(true));
    const asked = await a.readRoom(room, before?.version ?? 0);
    expect(asked?.members.map(({ peerId }) => peerId)).toEqual(['host']);
    expect(asked?.waiting?.map(({ peerId, node, info }) => [peerId, node, info])).toEqual(
      ['p1', 'p2'].map((p) => [p, a.name, `{"userId":"${p}","metadata":{"name":"ü\\t x"}}`]),
    );
    // The page was loaded again: one place in the queue, for the new peer.
    expect(await ask('p3', 'l1')).toEqual(waiting(true));
    expect((await a.readRoom(room, -1))?.waiting?.map(({ peerId }) => peerId)).toEqual(['p3', 'p2']);
    const answer = (peerId: string, kind: 'admit' | 'refuse' | 'withdraw', ms = 60_000) =>
      a.answerEntryRequest(room, peerId, { kind, ms });
    expect(await answer('p1', 'admit')).toBeUndefined();
    expect(await answer('p3', 'admit')).toMatchObject({ peerId: 'p3', node: a.name });
    expect(await answer('p3', 'admit')).toBeUndefined();
    expect(await ask('p3', 'l1')).toBe(true);
    expect(await answer('p2', 'withdraw')).toMatchObject({ peerId: 'p2' });
    expect(await ask('p2', 'l2')).toEqual(waiting(true));
    await answer('p2', 'refuse');
    expect(await ask('p2', 'l2')).toEqual(refused('banned'));
    expect((await a.readRoom(room, -1))?.waiting).toBeUndefined();
    // A ban ends what a moderator allowed before.
    await a.dropMember(room, 'p3', FORCED, { ban: { loginSession: 'l1', ms: 1 } });
    await vi.waitFor(async () => expect(await ask('p4', 'l1')).toEqual(waiting(true)), 10_000);
    // A lock is for those too who were let in, and an open room for everybody.
    await setRules(a, room, { entry: 'locked' });
    expect(await ask('p4', 'l1')).toEqual(refused('locked'));
    expect(await a.readRoom(room, -1)).toMatchObject({ entry: 'locked' });
    expect(await enter(a, room, 'second host', { moderates: true })).toBe(true);
    await setRules(a, room, { entry: 'ask' });
    expect((await a.readRoom(room, -1))?.waiting).toBeUndefined();
    await setRules(a, room, { restricted: ['chat'] });
    expect(await ask('p4', 'l1')).toBe(true);
    expect(await a.readRoom(room, -1)).toMatchObject({ entry: 'open', restricted: ['chat'] });
    await setRules(a, room, {});
    expect((await a.readRoom(room, -1))?.restricted).toBeUndefined();
  });

  test('B-42 a hundred people wait at most, and an empty room has those who ask as well', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await a.writeSettings(room, { rules: { ...OPEN_RULES, entry: 'ask' }, doc: '{}' }, 'new');
    const ask = (i: number) => enter(a, room, `p${i}`, { loginSession: `l${i}` });
    for (let i = 0; i < MAX_ENTRY_REQUESTS; i++) expect(await ask(i)).toMatchObject({ reason: 'waiting' });
    expect(await ask(MAX_ENTRY_REQUESTS)).toEqual(refused('locked'));
    expect(await ask(7)).toMatchObject({ reason: 'waiting', isNew: false });
    const joined = await a.joinRoom(room, member('host', a.name), { limit: 9, loginSession: 'h', moderates: true });
    expect(joined.ok && joined.state.waiting).toHaveLength(MAX_ENTRY_REQUESTS);
  });
}
