/**
 * The simulation runs on the memory backplane, production on the Redis scripts: any sequence of operations must get the same answers
 * from both. Times are long enough that nothing ends by itself meanwhile (that is B-7, B-9, B-13); grants and moves are ended in both by hand.
 */
import { startRedis, type TestRedis } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../../../test/simulation/random.ts';
import { systemClock } from '../core/clock.ts';
import type { EntryRequest } from './entry-requests.ts';
import { MemoryHub } from './memory.ts';
import { createRedisBackplane } from './redis.ts';
import { RedisKeys } from './redis-keys.ts';
import type { RoomEntry, SettingsCondition } from './room-settings.ts';
import { type Backplane, type ClaimResult, FORCED, type RoomState } from './types.ts';

const LONG = 600_000;
const NODES = ['a', 'b'];
/** The second and the fourth are an audience; the last says so of itself. */
const INFOS = [
  '{}',
  '{"userId":"ü {}","audience":true}',
  '{"userId":"ü {}"}',
  '{"userId":",\\"metadata\\":","audience":true,"metadata":{"name":"x"}}',
  '{"userId":",\\"audience\\":true","metadata":{"a":1,"audience":true}}',
  '{"userId":"ü {}","loginSession":"l0","x":1}',
  '{"userId":"v","loginSession":"l1","audience":true}',
  '{"userId":"v","loginSession":"l0/ü %","byToken":"0011","metadata":{"byToken":"1111"}}',
  '{"userId":"v","loginSession":"l1","byToken":"0110","metadata":{}}',
];

let redis: TestRedis;
let store: Redis;
beforeAll(async () => {
  redis = await startRedis();
  store = new Redis(redis.url);
});
afterAll(async () => {
  store.disconnect();
  await redis[Symbol.asyncDispose]();
});

/** Ends what a login session may do in a room, or its move to it, before its time. */
interface Expiry {
  grants(room: string, loginSession: string): unknown;
  move(room: string, loginSession: string): unknown;
}

function expiryIn(hub: MemoryHub): Expiry {
  return {
    grants: (room, loginSession) => {
      const all = hub.granted.get(room);
      const held = all?.get(loginSession);
      if (held) all?.set(loginSession, { ...held, until: 0 });
    },
    move: (room, loginSession) => hub.bans.get(room)?.delete(`!moved ${loginSession}`),
  };
}

function expiryInRedis(prefix: string): Expiry {
  const keys = new RedisKeys(prefix);
  return {
    grants: async (room, loginSession) => {
      const [key, field] = [keys.room(room)[3], `g ${loginSession}`];
      const held = await store.hget(key, field);
      if (held) await store.hset(key, field, held.replace(/^\d+/, '1'));
    },
    move: (room, loginSession) => store.zadd(keys.room(room)[1], 'XX', 1, `!moved ${loginSession}`),
  };
}

/** One cluster on one store, with what its readers know of each room. */
class Side {
  readonly #nodes = new Map<string, Backplane>();
  readonly #known = new Map<string, number>();
  readonly expiry: Expiry;
  private constructor(expiry: Expiry) {
    this.expiry = expiry;
  }

  static async open(connect: () => Backplane, expiry: Expiry): Promise<Side> {
    const side = new Side(expiry);
    for (const node of NODES) {
      const backplane = connect();
      await backplane.start(node, { onBatch: () => {}, onStale: () => {} });
      side.#nodes.set(node, backplane);
    }
    return side;
  }
  at(node: string): Backplane {
    return this.#nodes.get(node) as Backplane;
  }
  known(room: string): number {
    return this.#known.get(room) ?? 0;
  }
  /** Versions count from anywhere; what matters is whether one is new. */
  state(room: string, { version, members }: RoomState) {
    const known = this.known(room);
    if (version > 0) this.#known.set(room, version);
    const age = version === 0 ? 'no room' : version > known ? 'new' : version === known ? 'known' : 'older';
    const sorted = members.map(({ awayFor, ...m }) => ({ ...m, away: awayFor > 0 }));
    return { version: age, members: sorted.sort((p, q) => (p.peerId < q.peerId ? -1 : 1)) };
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const backplane of this.#nodes.values()) await backplane[Symbol.asyncDispose]();
  }
}

/** Clocks differ by less than the rules do. */
const endOf = ({ endsIn }: RoomState) => (endsIn === undefined || endsIn === Infinity ? endsIn : Math.sign(endsIn));

/** A hash has no order; a room where none is left may say so or nothing. */
const grantedOf = ({ granted = new Map() }: RoomState) => [...granted].sort();

/** Those who ask in the same ms have no order. */
const entryOf = ({ entry, waiting = [] }: RoomState) => [
  entry,
  ...waiting.map((entryRequest) => JSON.stringify(entryRequestOf(entryRequest))).sort(),
];
const entryRequestOf = (entryRequest: EntryRequest | undefined) =>
  entryRequest && { ...entryRequest, endsIn: Math.sign(entryRequest.endsIn) };

const shownOf = (state: RoomState) => ({ ends: endOf(state), entry: entryOf(state), granted: grantedOf(state) });

/** A set has no order. */
const sorted = (result: ClaimResult) =>
  result.kind === 'full' ? { ...result, others: [...result.others].sort() } : result;

/** A random operation, as a name for people and a function that carries it out. */
function operation(random: Random): { name: string; run: (side: Side) => Promise<unknown> } {
  const pick = <T>(...list: T[]): T => random.pick(list) as T;
  const node = pick(...NODES);
  const room = pick('r0', 'r1');
  const peerId = `p${random.int(0, 4)}`;
  const epoch = random.int(1, 3);
  const order = random.int(0, 3);
  const mark = random.chance(0.1) ? { ...FORCED, epoch } : { epoch, order };
  const loginSession = pick('l0', 'l1');
  const awayFor = pick(0, LONG);
  const member = { peerId, node, epoch, order, awayFor, info: pick(...INFOS) };
  const secretHash = pick('h', 'h', 'h', 'wrong');
  const userId = pick('u', 'u', 'u', 'v');
  const record = { peerId, node, epoch, order, secretHash, userId, loginSession, room, info: '{}' };
  const identity = { userId, loginSession: pick('', 'l0', 'l1') };
  const frames = Array.from({ length: random.int(1, 90) }, (_, i) => `${peerId} ${i} ü`);
  const state = (change: (bp: Backplane) => Promise<RoomState>) => async (side: Side) =>
    side.state(room, await change(side.at(node)));
  const all: Record<string, (side: Side) => Promise<unknown>> = {
    joinRoom: async (side) => {
      const join = (granted: string) =>
        side.at(node).joinRoom(room, member, {
          ...{ limit: pickLimit, loginSession, granted, ...pickInfo },
          ...entrant,
          ...created,
          ...pickEntry,
        });
      const first = await join(pickGranted);
      // As a node does, which joins again with the grants that it is told.
      const refusal = !first.ok && first.reason === 'granted' ? first : undefined;
      const result = refusal ? await join(refusal.granted) : first;
      const answer = result.ok ? { ...side.state(room, result.state), ...shownOf(result.state) } : result;
      return { refusal, answer };
    },
    changeGrants: async (side) => {
      const info = `{"userId":"v","loginSession":"${loginSession}","x":1}`;
      // Mostly of somebody who is there.
      if (!pickForce) await side.at(node).putMember(room, { ...member, info });
      return side.at(node).changeGrants(room, { peerId, loginSession }, change);
    },
    expectMove: (side) => side.at(node).expectMove(room, loginSession),
    grantsEnd: async (side) => void (await side.expiry.grants(room, loginSession)),
    moveEnds: async (side) => void (await side.expiry.move(room, loginSession)),
    lookIntoRoom: async (side) => {
      const { count, infos, isBanned, granted } = await side.at(node).lookIntoRoom(room, { loginSession, userId });
      return { count, infos: [...infos].sort(), isBanned, granted };
    },
    putMember: state((bp) => bp.putMember(room, member)),
    markAway: state((bp) => bp.markAway(room, peerId, pickNode, LONG)),
    dropMember: state((bp) =>
      bp.dropMember(
        room,
        peerId,
        pickForce ? FORCED : mark,
        pickBan ? { ban: { loginSession, ...pickUser, ms: LONG } } : undefined,
      ),
    ),
    readRoom: async (side) => {
      const known = { latest: side.known(room), nothing: 0, whole: -1 }[pickKnown];
      const result = await side.at(node).readRoom(room, known);
      return result && { ...side.state(room, result), ...shownOf(result) };
    },
    checkRooms: async (side) =>
      (await side.at(node).checkRooms(['r0', 'r1'].map((r) => ({ room: r, peerIds: ['p0', peerId, 'nobody'] })))).map(
        ({ version, members }, i) => [version && version - side.known(`r${i}`), members],
      ),
    closeRoom: async (side) => side.state(room, await side.at(node).closeRoom(room)),
    forgetRoom: async (side) => side.state(room, await side.at(node).forgetRoom(room)),
    endRoom: async (side) => {
      const result = await side.at(node).endRoom(room);
      return result && side.state(room, result);
    },
    writeSettings: async (side) => {
      const { kind } = await side.at(node).writeSettings(room, { rules, doc: `{"of":"${peerId}"}` }, condition);
      return kind;
    },
    answerEntryRequest: async (side) =>
      entryRequestOf(await side.at(node).answerEntryRequest(room, peerId, { kind: answer, ms: LONG })),
    describeRooms: async (side) =>
      (await side.at(node).describeRooms(['r0', 'r1', 'r2'])).map(
        (found) =>
          found && {
            peerIds: [...found.peerIds].sort(),
            isNew: found.firstVersion === 0,
            settings: found.settings && { ...found.settings, revision: 0 },
          },
      ),
    listRooms: (side) => side.at(node).listRooms({ prefix: pickPrefix, limit: 5, ...pickAfter }),
    openSession: (side) => side.at(node).openSession(record, identity, rule).then(sorted),
    resumeSession: (side) => side.at(node).resumeSession(peerId, secretHash, userId),
    detachSession: (side) => side.at(node).detachSession(peerId, mark, pickNode, LONG),
    syncSession: (side) => side.at(node).syncSession(record, awayFor === 0, LONG),
    endSession: (side) => side.at(node).endSession(peerId),
    closeSession: (side) => side.at(node).closeSession(peerId, mark, identity),
    findSession: (side) => side.at(node).findSession(peerId),
    park: (side) => side.at(node).park(peerId, frames, pickBan ? pickNode : undefined),
    claim: (side) => side.at(node).claim(identity, peerId, rule).then(sorted),
    release: (side) => side.at(node).release(identity, peerId),
  };
  // Drawn once: both sides do the same.
  const pickLimit = pick(0, 1, 2, 3);
  const pickNode = pick('a', 'b', 'dead');
  const pickBan = random.chance(0.3);
  const pickForce = random.chance(0.2);
  const pickInfo = random.chance(0.3) ? { info: 'present' as const } : {};
  const pickKnown = pick('latest', 'nothing', 'whole');
  const pickUser = pick({}, { userId });
  const pickSize = pick({}, {}, { roomSize: 1 }, { roomSize: 2 });
  const pickSeat = pick({}, { seat: '{' }, { seat: '{"userId"' });
  const entrant = { ...pickUser, ...pickSize, ...pickSeat, ...pick({}, { replaces: `p${random.int(0, 4)}` }) };
  const pickPrefix = pick('', 'r', 'r1', 'x');
  const pickAfter = pick({}, {}, { after: 'r0' }, { after: 'r1' });
  const condition = pick<SettingsCondition>('new', 'new', 'any', 1);
  const hour = 3_600_000;
  const rules = {
    maxPeers: pick(0, 1, 2),
    entry: pick<RoomEntry>('open', 'open', 'open', 'ask', 'locked'),
    closesAt: pick(0, 0, Date.now() - hour, Date.now() + hour),
    endsAt: pick(0, 0, Date.now() - hour, Date.now() + hour),
    emptyMs: LONG,
    keptUntil: 0,
  };
  const pickEntry = pick({}, {}, { moderates: true }, { entryRequest: '{"name":"ü\\t"}' });
  const answer = pick('admit', 'refuse', 'withdraw');
  const created = pick({}, {}, { created: true });
  const pickExpect = pick(undefined, undefined, '', 'p0', 'p1');
  const rule = { limit: pickLimit, ...(pickExpect === undefined ? {} : { expect: pickExpect }) };
  const granting = () => pick(true, false, null, undefined);
  const change = { publish: granting(), data: granting(), kick: granting() };
  const pickGranted = pick('', '', '', '0--', '1-1');
  const aboutGrants = ['changeGrants', 'grantsEnd', 'expectMove', 'moveEnds', 'joinRoom', 'lookIntoRoom', 'readRoom'];
  const name = random.chance(0.3) ? pick(...aboutGrants) : pick(...Object.keys(all));
  const told = JSON.stringify({
    ...{ node, member, entrant, record, identity, mark },
    ...{ rules, condition, created, pickPrefix, pickAfter, pickEntry, answer },
    ...{ change, pickGranted, pickLimit, pickNode, pickBan, pickForce, pickInfo, pickKnown, pickExpect },
  });
  return { name: `${name} ${told}`, run: all[name] as (side: Side) => Promise<unknown> };
}

// Side by side: each waits for Redis most of its time.
test.concurrent.each([1, 2, 3, 4, 5, 6])(
  'B-31 memory and Redis answer alike to any sequence of operations (seed %i)',
  async (seed) => {
    const random = new Random(seed);
    const hub = new MemoryHub(systemClock);
    const prefix = `seed-${seed}`;
    await using memory = await Side.open(() => hub.connect(), expiryIn(hub));
    await using stored = await Side.open(() => createRedisBackplane({ url: redis.url, prefix }), expiryInRedis(prefix));
    const story: string[] = [];
    for (let i = 0; i < 1500; i++) {
      const { name, run } = operation(random);
      story.push(name);
      const [expected, got] = [await run(stored), await run(memory)];
      expect(got, story.slice(-12).join('\n')).toEqual(expected);
    }
  },
);
