/** The part of the contract about settings, looks and lists of rooms; see contract.ts. */
import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { LOOK_LIMIT } from '../room-look.ts';
import { compareNames } from '../room-settings.ts';
import { FORCED, MEDIA_PREFIX, partitionOf, type RoomState } from '../types.ts';
import { enter, member, OPEN_RULES, refused, type StartBackplane, setRules } from './contract-support.ts';

export function roomContract(start: StartBackplane): void {
  test('B-38 settings outlive the last member for their time, and go with the room when that is forgotten', async () => {
    await using a = await start('a');
    const [room, brief, gone] = [randomUUID(), randomUUID(), randomUUID()];
    const of = async (name: string) => (await a.describeRooms([name]))[0]?.settings?.rules;
    for (const [name, rules] of [
      [room, { entry: 'locked', restricted: ['share', 'chat'] }],
      [brief, { emptyMs: 300 }],
      [gone, {}],
    ] as const) {
      await a.writeSettings(name, { rules: { ...OPEN_RULES, ...rules }, doc: '{"x":"ü"}' }, 'new');
      await enter(a, name, 'p', { limit: 0 });
    }
    expect(await of(brief)).toEqual({ ...OPEN_RULES, emptyMs: 300 });
    await a.dropMember(room, 'p', FORCED);
    expect(await enter(a, room, 'q')).toEqual(refused('locked'));
    await a.closeRoom(brief);
    expect((await a.forgetRoom(gone)).members).toHaveLength(1);
    expect(await of(gone)).toBeUndefined();
    expect(await a.listRooms({ prefix: gone, limit: 9 })).toEqual([]);
    await vi.waitFor(async () => expect(await of(brief)).toBeUndefined(), 10_000);
    expect(await of(room)).toEqual({ ...OPEN_RULES, entry: 'locked', restricted: ['share', 'chat'] });
    expect((await a.describeRooms([room]))[0]).toMatchObject({
      firstVersion: 0,
      peerIds: [],
      settings: { doc: '{"x":"ü"}' },
    });
  });

  test('B-38 settings are written on a condition, and every write is a new revision', async () => {
    await using a = await start('a');
    const room = randomUUID();
    const write = (condition: 'new' | 'any' | number, doc = '{}') =>
      a.writeSettings(room, { rules: OPEN_RULES, doc }, condition);
    expect(await write('any')).toEqual({ kind: 'missing' });
    const first = await write('new');
    if (first.kind !== 'written') throw new Error('refused');
    expect(await write('new')).toEqual({ kind: 'exists' });
    const second = await write(first.revision, '{"b":1}');
    if (second.kind !== 'written') throw new Error('refused');
    expect(second.revision).toBeGreaterThan(first.revision);
    expect(await write(first.revision)).toEqual({ kind: 'stale' });
    await a.forgetRoom(room);
    const later = await write('new');
    expect(later.kind === 'written' && later.revision > second.revision).toBe(true);
  });

  test('B-39 a room says when it ends, ends then and not before, and a change is a new version', async () => {
    await using a = await start('a');
    const room = randomUUID();
    await a.writeSettings(room, { rules: { ...OPEN_RULES, endsAt: Date.now() + 60_000 }, doc: '{}' }, 'new');
    const joined = await a.joinRoom(room, member('p', a.name), { limit: 9, loginSession: 'l' });
    if (!joined.ok) throw new Error('refused');
    expect(joined.state.endsIn).toBeGreaterThan(50_000);
    expect(joined.state.endsIn).toBeLessThanOrEqual(60_000);
    expect(await a.endRoom(room)).toBeUndefined();
    await setRules(a, room, {});
    const read = await a.readRoom(room, joined.state.version);
    expect(read).toMatchObject({ version: joined.state.version + 1, endsIn: Infinity });
    expect(await a.endRoom(room)).toBeUndefined();
    await setRules(a, room, { endsAt: Date.now() - 1000 });
    expect((await a.endRoom(room))?.members.map((m) => m.peerId)).toEqual(['p']);
    expect((await a.describeRooms([room]))[0]).toMatchObject({ peerIds: [], settings: { doc: '{}' } });
    expect(await a.endRoom(randomUUID())).toBeUndefined();
  });

  test('B-40 rooms with members or settings are listed by pages in one order, by prefix, each once, and nothing else is', async () => {
    await using a = await start('a');
    const prefix = `${randomUUID()}-`;
    const suffixes = Array.from({ length: 60 }, (_, i) => `${i}${['', 'ü', '\u{1F600}', '\uFF01', ':b', '}{'][i % 6]}`);
    const names = suffixes.map((suffix) => prefix + suffix);
    for (const [i, name] of names.entries())
      if (i % 3) await enter(a, name, 'p', { limit: 0 });
      else await a.writeSettings(name, { rules: OPEN_RULES, doc: '{}' }, 'new');
    await enter(a, `${prefix.slice(0, -1)}.other`, 'p', { limit: 0 });
    const expected = [...names].sort((x, y) => partitionOf(x) - partitionOf(y) || compareNames(x, y));
    const listed = async (limit: number) => {
      const all: string[] = [];
      for (;;) {
        const page = await a.listRooms({ prefix, limit, ...(all.length ? { after: all.at(-1) as string } : {}) });
        all.push(...page);
        if (page.length < limit) return all;
      }
    };
    for (const limit of [1, 7, 60, 100]) expect(await listed(limit)).toEqual(expected);
    const described = await a.describeRooms([...names, randomUUID()]);
    expect(described.map((room) => room?.peerIds.length)).toEqual([...names.map((_, i) => (i % 3 ? 1 : 0)), undefined]);
    for (const name of names) await (names.indexOf(name) % 2 ? a.dropMember(name, 'p', FORCED) : a.forgetRoom(name));
    // Left by its last member; with settings it stays.
    expect(await listed(9)).toEqual(
      expected.filter((name) => names.indexOf(name) % 2 && names.indexOf(name) % 3 === 0),
    );
  });

  test('B-44 a look tells who is in and what binds a join, to whoever asks, and changes nothing', async () => {
    await using a = await start('a');
    const [room, large] = [randomUUID(), randomUUID()];
    const asker = { loginSession: 'l', userId: 'u' };
    expect(await a.lookIntoRoom(room, asker)).toEqual({ count: 0, infos: [], isBanned: false, granted: '' });
    expect(await a.readRoom(room, -1)).toMatchObject({ members: [] });
    for (const id of ['p2', 'p1', `${MEDIA_PREFIX}m`]) await enter(a, room, id, { limit: 0 });
    await a.markAway(room, 'p2', a.name, 60_000);
    const { version } = (await a.readRoom(room, -1)) as RoomState;
    const infos = ['p1', 'p2'].map((id) => member(id, a.name).info);
    expect(await a.lookIntoRoom(room, asker)).toEqual({ count: 2, infos, isBanned: false, granted: '' });
    expect((await a.readRoom(room, -1))?.version).toBe(version);
    await a.writeSettings(room, { rules: { ...OPEN_RULES, entry: 'ask', restricted: ['look'] }, doc: '{}' }, 'new');
    expect(await a.lookIntoRoom(room, asker)).toMatchObject({ rules: { entry: 'ask', restricted: ['look'] } });
    for (const ban of [
      { loginSession: 'l', ms: 60_000 },
      { loginSession: 'another', userId: 'u', ms: 60_000 },
    ]) {
      const banned = randomUUID();
      await enter(a, banned, 'p', { limit: 0 });
      await a.dropMember(banned, 'p', FORCED, { ban });
      expect(await a.lookIntoRoom(banned, asker)).toMatchObject({ count: 0, isBanned: true });
      expect(await a.lookIntoRoom(banned, { loginSession: 'other' })).toMatchObject({ isBanned: false });
    }
    const soon = randomUUID();
    await enter(a, soon, 'p', { limit: 0 });
    await a.markAway(soon, 'p', a.name, 1);
    await vi.waitFor(async () => expect((await a.lookIntoRoom(soon, asker)).count).toBe(0), 10_000);
    for (let i = 0; i <= LOOK_LIMIT; i++) await enter(a, large, `p${i}`, { limit: 0 });
    expect(await a.lookIntoRoom(large, asker)).toMatchObject({ count: LOOK_LIMIT + 1, infos: [] });
  });
}
