import { describe, expect, test } from 'vitest';
import { PartClock, VirtualClock } from '../../../../test/simulation/clock.ts';
import { Random } from '../../../../test/simulation/random.ts';
import { systemClock } from '../core/clock.ts';
import { MemoryHub } from './memory.ts';
import { backplaneContract } from './testing/contract.ts';
import { RECORD_TTL_MS, ROOM_TTL_MS, TOMBSTONE_TTL_MS, UnavailableError, userTag } from './types.ts';

describe('memory', () => {
  const hub = new MemoryHub(systemClock);
  backplaneContract(() => hub.connect());

  test('B-21 after its end it is unavailable', async () => {
    const backplane = new MemoryHub(systemClock).connect();
    await backplane[Symbol.asyncDispose]();
    await expect(backplane.beat(1)).rejects.toThrow(UnavailableError);
  });

  /** Everything that a hub remembers. */
  const remembered = (of: MemoryHub) =>
    [of.rooms, of.bans, of.sessions, of.tombstones, of.identities, of.replaced, of.users].reduce(
      (n, map) => n + map.size,
      0,
    );

  /** A hub in virtual time, and its only node, which beats as a node does. */
  function virtualHub() {
    const clock = new VirtualClock();
    const hub = new MemoryHub(new PartClock(clock, new Random(1)));
    const backplane = hub.connect();
    const pass = async (ms: number) => {
      clock.at(ms, () => {});
      while (clock.step(clock.now() + ms));
      await backplane.beat(7000);
    };
    return { hub, backplane, pass };
  }
  const userId = 'ada';
  const record = (peerId: string, room = 'r') => ({
    ...{ peerId, node: 'n', epoch: 1, order: 1, secretHash: 'h', userId, loginSession: 'l', room, info: '{}' },
  });

  test('B-28 reloads leave nothing for longer than their tombstones: a node that runs for a day holds ten minutes of them', async () => {
    const { hub, backplane, pass } = virtualHub();
    const reload = async (n: number) => {
      const peerId = `p${n}${userTag(userId)}`;
      const claim = await backplane.openSession(record(peerId), { userId, loginSession: 'l' }, { limit: 0 });
      if (claim.kind === 'ours' && claim.previous) await backplane.endSession(claim.previous);
    };
    let most = 0;
    for (let n = 0; n < 1440; n++) {
      await reload(n);
      await pass(60_000);
      most = Math.max(most, hub.tombstones.size);
    }
    expect(most).toBeLessThanOrEqual(TOMBSTONE_TTL_MS / 60_000 + 1);
    expect(remembered(hub)).toBeLessThanOrEqual(most + 3);
  });

  test('B-28 every key ends by itself: bans with their time, rooms that are not read within ten minutes, the rest within a day', async () => {
    const { hub, backplane, pass } = virtualHub();
    const member = { peerId: 'p', node: 'dead', epoch: 1, order: 1, awayFor: 0, info: '{}' };
    for (let n = 0; n < 50; n++) {
      const [room, peerId] = [`r${n}`, `q${n}${userTag(userId)}`];
      await backplane.joinRoom(room, member, { limit: 0, loginSession: 'l' });
      await backplane.dropMember(room, 'another', member, { ban: { loginSession: 'bad', ms: 5000 } });
      await backplane.openSession(record(peerId, room), { userId, loginSession: `l${n}` }, { limit: 0 });
    }
    await pass(20_000);
    expect(hub.bans.size).toBe(0);
    expect(hub.rooms.size).toBe(50);
    await pass(ROOM_TTL_MS);
    expect(hub.rooms.size).toBe(0);
    expect(hub.sessions.size).toBe(50);
    await pass(RECORD_TTL_MS);
    expect(remembered(hub)).toBe(0);
  });
});
