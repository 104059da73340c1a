/** The part of the contract about what was decided of a login session in a room; see contract.ts. */
import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { givenIn, grantedIn as grantsIn, writeGiven } from '../room-grants.ts';
import { FORCED, type RoomState } from '../types.ts';
import { enter, member, OPEN_RULES, refused, type StartBackplane } from './contract-support.ts';

export function grantContract(start: StartBackplane): void {
  test('B-45 grants of a login session in a room: joined with, read, changed one by one, gone with the room', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const loginSession = 'l \t"ü';
    const info = JSON.stringify({ userId: 'p1', loginSession, x: 1 });
    const enterAs = (rule: object = {}) =>
      a.joinRoom(room, { ...member('p1', a.name), info }, { limit: 9, loginSession, ...rule });
    const grantedIn = async () => (await a.readRoom(room, -1))?.granted;
    expect(await a.changeGrants(room, { peerId: 'p1', loginSession }, { kick: true })).toBe('absent');
    expect(await enterAs()).toMatchObject({ ok: true });
    expect(await grantedIn()).toBeUndefined();
    const { version } = (await a.readRoom(room, -1)) as RoomState;
    expect(await a.changeGrants(room, { peerId: 'p1', loginSession: 'l' }, { kick: true })).toBe('absent');
    expect(await a.changeGrants(room, { peerId: 'p1', loginSession }, { kick: true, publish: false })).toBe('changed');
    expect((await a.readRoom(room, version))?.granted).toEqual(new Map([[loginSession, '0-1--']]));
    expect(await a.changeGrants(room, { peerId: 'p1', loginSession }, { kick: null, data: true })).toBe('changed');
    expect(await enterAs()).toEqual({ ok: false, reason: 'granted', granted: '01---' });
    const entered = await enterAs({ granted: '01---' });
    expect(entered).toMatchObject({ ok: true, state: { granted: new Map([[loginSession, '01---']]) } });
    // Who comes back to a room is restored, and learns it from the answer.
    expect(await enterAs({ limit: 0 })).toMatchObject({ ok: true });
    expect(await enter(a, room, 'p2', { granted: '1----' })).toEqual({ ok: false, reason: 'granted', granted: '' });
    await a.writeSettings(room, { rules: OPEN_RULES, doc: '{}' }, 'new');
    expect(await grantedIn()).toEqual(new Map([[loginSession, '01---']]));
    await a.forgetRoom(room);
    expect(await enterAs()).toMatchObject({ ok: true });
    expect(await grantedIn()).toBeUndefined();
  });

  test('B-45 what a backend says of a login session stays when its grants change, and is changed on a condition', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const target = { peerId: 'p1', loginSession: 'l' };
    await a.joinRoom(
      room,
      { ...member('p1', a.name), info: '{"userId":"p1","loginSession":"l","x":1}' },
      { limit: 9, ...target },
    );
    const granted = async () => (await a.readRoom(room, -1))?.granted?.get('l');
    const given = writeGiven({ role: 'interpreter', ü: { ' ': [null] } });
    expect(await a.changeGrants(room, target, { given, before: '-----' })).toBe('stale');
    expect(await granted()).toBeUndefined();
    expect(await a.changeGrants(room, target, { given, before: '' })).toBe('changed');
    expect(await a.changeGrants(room, target, { publish: 'watch' })).toBe('changed');
    // Nodes of before read the first letters, and know no other than these.
    expect(await granted()).toMatch(/^0[-01]{3}/);
    expect(givenIn((await granted()) ?? '')).toEqual({ role: 'interpreter', ü: { ' ': [null] } });
    expect(grantsIn({ data: false }, (await granted()) ?? '')).toEqual({ data: false, publish: false });
    expect(await a.changeGrants(room, target, { publish: 'again', before: `0---w${given}` })).toBe('changed');
    expect(grantsIn({ publish: false }, (await granted()) ?? '')).toEqual({ publish: false });
    expect(await a.changeGrants(room, target, { given: '', publish: null })).toBe('changed');
    expect(await granted()).toBe('-----');
  });

  test('B-45 what is decided of a member goes along to another login of it, but for what its tokens grant otherwise', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const target = { peerId: 'p1', loginSession: 'l1' };
    const as = (loginSession: string, more = '') => ({
      ...member('p1', a.name),
      info: `{"userId":"p1","loginSession":"${loginSession}"${more},"metadata":{"byToken":"0000"}}`,
    });
    const granted = async () => Object.fromEntries((await a.readRoom(room, -1))?.granted ?? []);
    const given = writeGiven({ role: 'guide' });
    await a.joinRoom(room, as('l1'), { limit: 9, ...target });
    await a.changeGrants(room, target, { publish: 'watch', data: false, kick: true, given });
    // A node of another version keeps its login: nothing is told twice.
    expect((await a.joinRoom(room, as('l2'), { limit: 0, loginSession: 'l2', info: 'present' })).ok).toBe(true);
    expect(await granted()).toEqual({ l1: `001-w${given}` });
    await a.putMember(room, as('l2'));
    expect(await granted()).toEqual({ l2: `001-w${given}` });
    // Another token may send, as the one before, and not moderate; what its client says of that is no token's word.
    const moderates = ',"byToken":"1110"';
    await a.joinRoom(room, as('l3', moderates), { limit: 0, loginSession: 'l3' });
    expect(await granted()).toEqual({ l3: `00--w${given}` });
    await a.putMember(room, as('l4', ',"byToken":"0110"'));
    expect(await granted()).toEqual({ l4: `-0---${given}` });
    // Who joins anew with the first login is bound by nothing.
    await a.dropMember(room, 'p1', FORCED);
    expect((await a.joinRoom(room, as('l1'), { limit: 9, ...target })).ok).toBe(true);
  });

  test('B-45 what is decided of the other login, and of another member with the first one, holds on', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const as = (peerId: string, loginSession: string) => ({
      ...member(peerId, a.name),
      info: `{"userId":"u","loginSession":"${loginSession}","metadata":{}}`,
    });
    const granted = async () => Object.fromEntries((await a.readRoom(room, -1))?.granted ?? []);
    const [old, said] = [writeGiven({ role: 'guide' }), writeGiven({ role: 'guest' })];
    for (const [peerId, loginSession] of [
      ['p1', 'l1'],
      ['p2', 'l1'],
      ['p3', 'l2'],
    ] as const)
      await a.joinRoom(room, as(peerId, loginSession), { limit: 9, loginSession });
    await a.changeGrants(
      room,
      { peerId: 'p1', loginSession: 'l1' },
      { publish: 'again', data: false, kick: true, given: old },
    );
    await a.changeGrants(room, { peerId: 'p3', loginSession: 'l2' }, { publish: 'watch', kick: false, given: said });
    await a.putMember(room, as('p1', 'l2'));
    expect(await granted()).toEqual({ l1: `-01-s${old}`, l2: `000-w${said}` });
    // Nobody has the first login once the second member goes on with another one too.
    await a.putMember(room, as('p2', 'l3'));
    expect(await granted()).toEqual({ l2: `000-w${said}`, l3: `-01-s${old}` });
  });

  test('B-45 what is decided of who left is told no more, and counts when they are back', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const come = (login: string, granted = '') => {
      const info = JSON.stringify({ userId: login, loginSession: login });
      return a.joinRoom(room, { ...member(login, a.name), info }, { limit: 9, loginSession: login, granted });
    };
    const told = async () => [...((await a.readRoom(room, -1))?.granted?.keys() ?? [])].sort();
    for (const login of ['l1', 'l2']) {
      await come(login);
      await a.changeGrants(room, { peerId: login, loginSession: login }, { publish: false });
    }
    expect(await told()).toEqual(['l1', 'l2']);
    await a.dropMember(room, 'l1', FORCED);
    expect(await told()).toEqual(['l2']);
    expect(await come('l1')).toEqual({ ok: false, reason: 'granted', granted: '0----' });
    expect(await come('l1', '0----')).toMatchObject({ ok: true });
    expect(await told()).toEqual(['l1', 'l2']);
  });

  test('B-45 who is moved to a room passes its lock, and who is kicked there does not', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await enter(a, room, 'p1', { loginSession: 'first' });
    await a.writeSettings(room, { rules: { ...OPEN_RULES, entry: 'locked', maxPeers: 2 }, doc: '{}' }, 'new');
    expect(await enter(a, room, 'p2')).toEqual(refused('locked'));
    await a.expectMove(room, 'l');
    expect(await enter(a, room, 'p2')).toBe(true);
    await a.expectMove(room, 'other');
    expect(await enter(a, room, 'p3', { loginSession: 'other' })).toEqual(refused('full'));
    await a.dropMember(room, 'p2', FORCED, { ban: { loginSession: 'l', ms: 1 } });
    await vi.waitFor(async () => expect(await enter(a, room, 'p2')).toEqual(refused('locked')));
  });

  test.each([
    ['invited to speak', true, '1----'],
    ['given back by a moderator to speak', 'again', '----s'],
  ] as const)(
    'B-45 who is %s passes the lock, to join again as somebody who sends, and who was kicked does not',
    async (_who, publish, granted) => {
      await using a = await start('a');
      const room = randomUUID();
      const invited = { loginSession: 'invited', granted };
      const info = JSON.stringify({ userId: 'p1', loginSession: 'invited' });
      await enter(a, room, 'p0');
      await a.joinRoom(room, { ...member('p1', a.name), info }, { limit: 9, loginSession: 'invited' });
      await a.writeSettings(room, { rules: { ...OPEN_RULES, entry: 'locked' }, doc: '{}' }, 'new');
      expect(await a.changeGrants(room, { peerId: 'p1', loginSession: 'invited' }, { publish })).toBe('changed');
      await a.dropMember(room, 'p1', FORCED);
      expect(await enter(a, room, 'p2', { loginSession: 'other' })).toEqual(refused('locked'));
      expect(await enter(a, room, 'p3', invited)).toBe(true);
      await a.dropMember(room, 'p3', FORCED, { ban: { loginSession: 'invited', ms: 60_000 } });
      expect(await enter(a, room, 'p4', invited)).toEqual(refused('banned'));
    },
  );
}
