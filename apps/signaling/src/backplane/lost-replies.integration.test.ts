/**
 * A client of Redis sends a command again whose connection broke before its answer came, so any script may run twice. Each operation is run
 * once undisturbed and once with its answer lost: both answer alike, and leave the same behind. The table: docs/decisions/0030-a-command-may-run-twice.md
 */
import { randomUUID } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { startRedis, type TestRedis } from '@tandem/service/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRedisBackplane, type RedisBackplane } from './redis.ts';
import { OPEN_RULES } from './testing/contract-support.ts';
import type { Backplane, MemberRecord, SessionRecord } from './types.ts';

/** Loses the n-th answer from now on, with the connection that it came by. */
class LossyProxy implements AsyncDisposable {
  lost = 0;
  #left = Infinity;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  constructor(port: number) {
    this.#server = createServer((client) => {
      const store = connect(port, '127.0.0.1');
      for (const socket of [client, store]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          client.destroy();
          store.destroy();
        });
      }
      client.pipe(store);
      store.on('data', (data) => {
        if (--this.#left > 0) return void client.write(data);
        this.#left = Infinity;
        this.lost++;
        client.destroy();
      });
    });
  }
  async listen(): Promise<number> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return (this.#server.address() as { port: number }).port;
  }
  lose(n: number): void {
    this.#left = n;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }
}

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

const identity = { userId: 'u', loginSession: 'l' };
const session: SessionRecord = {
  ...{ peerId: 'p', node: 'old', epoch: 1, order: 1, secretHash: 'h', ...identity, room: 'r' },
  info: '{"userId":"u","loginSession":"l"}',
};
const member = (peerId: string, more: Partial<MemberRecord> = {}): MemberRecord => ({
  ...{ peerId, node: 'n', epoch: 1, order: 1, awayFor: 0, info: session.info },
  ...more,
});
const rule = { limit: 10, loginSession: 'l' };
const settings = { rules: { ...OPEN_RULES, entry: 'ask' as const }, doc: '{}' };
const mark = { epoch: 1, order: 2 };

const opened = (b: Backplane) => b.openSession(session, identity, { limit: 5 });
const detached = async (b: Backplane) => {
  await opened(b);
  await b.detachSession('p', mark, 'old', 60_000);
};
const parked = async (b: Backplane) => {
  await detached(b);
  await b.park('p', ['1', '2']);
};
const joined = async (b: Backplane) => void (await b.joinRoom('r', member('p'), rule));
const two = async (b: Backplane) => {
  await joined(b);
  await b.joinRoom('r', member('q'), rule);
};
const asks = async (b: Backplane) => {
  await b.writeSettings('r', settings, 'new');
  await b.joinRoom('r', member('p'), { ...rule, loginSession: 'asks', entryRequest: '{"name":"ü"}' });
};
const readMail = (b: Backplane) => b.resumeSession('p', 'h', 'u');
const readRoom = (b: Backplane) => b.readRoom('r', -1);
const find = (b: Backplane) => b.findSession('p');

interface Case {
  readonly before?: (b: Backplane) => Promise<unknown>;
  readonly run: (b: Backplane) => Promise<unknown>;
  /** What it has left behind. */
  readonly after?: (b: Backplane) => Promise<unknown>;
  /** Which answer is lost. Default: the first. */
  readonly nth?: number;
}
const CASES: { readonly [Name in Exclude<keyof Backplane, 'kind' | 'start' | 'health' | symbol>]: Case } = {
  beat: { run: (b) => b.beat(1000) },
  retire: { before: (b) => b.beat(1000), run: (b) => b.retire() },
  send: { run: (b) => b.send('nobody', Buffer.from('\u0001')) },
  joinRoom: { run: (b) => b.joinRoom('r', member('p'), rule), after: readRoom },
  putMember: {
    before: joined,
    run: (b) => b.putMember('r', member('p', { order: 2, awayFor: 60_000 })),
    after: readRoom,
  },
  markAway: { before: joined, run: (b) => b.markAway('r', 'p', 'n', 60_000), after: readRoom },
  // With somebody who stays: an empty room has no version, and nobody to tell it to.
  dropMember: {
    before: two,
    run: (b) => b.dropMember('r', 'p', mark, { ban: { loginSession: 'l', ms: 60_000 } }),
    after: readRoom,
  },
  readRoom: { before: joined, run: readRoom },
  checkRooms: { before: joined, run: (b) => b.checkRooms([{ room: 'r', peerIds: ['p'] }]) },
  closeRoom: { before: joined, run: (b) => b.closeRoom('r'), after: readRoom, nth: 2 },
  forgetRoom: { before: joined, run: (b) => b.forgetRoom('r'), after: readRoom, nth: 2 },
  endRoom: {
    before: async (b) => {
      await joined(b);
      await b.writeSettings('r', { ...settings, rules: { ...OPEN_RULES, endsAt: 1 } }, 'new');
    },
    run: (b) => b.endRoom('r'),
    after: readRoom,
    nth: 2,
  },
  writeSettings: { run: (b) => b.writeSettings('r', settings, 'new'), after: readRoom },
  answerEntryRequest: {
    before: asks,
    run: (b) => b.answerEntryRequest('r', 'p', { kind: 'admit', ms: 60_000 }),
    after: (b) => b.joinRoom('r', member('p'), { ...rule, loginSession: 'asks' }),
  },
  changeGrants: {
    before: joined,
    run: (b) => b.changeGrants('r', { peerId: 'p', loginSession: 'l' }, { publish: false, before: '' }),
    after: readRoom,
  },
  expectMove: { run: (b) => b.expectMove('r', 'l') },
  describeRooms: { before: joined, run: async (b) => (await b.describeRooms(['r'])).map((room) => room?.peerIds) },
  lookIntoRoom: { before: joined, run: (b) => b.lookIntoRoom('r', { loginSession: 'l' }) },
  listRooms: { before: joined, run: (b) => b.listRooms({ prefix: '', limit: 5 }) },
  openSession: { run: opened, after: find },
  resumeSession: { before: parked, run: readMail, after: find },
  detachSession: { before: opened, run: (b) => b.detachSession('p', mark, 'old', 60_000), after: find },
  syncSession: {
    before: async (b) => {
      await opened(b);
      await b.park('p', ['1', '2'], 'old');
    },
    run: (b) => b.syncSession({ ...session, order: 2 }, true, 60_000),
    after: readMail,
  },
  endSession: { before: parked, run: (b) => b.endSession('p'), after: find },
  closeSession: { before: parked, run: (b) => b.closeSession('p', mark, identity), after: find },
  findSession: { before: opened, run: find },
  park: { before: detached, run: (b) => b.park('p', ['1', '2']), after: readMail },
  claim: { before: opened, run: (b) => b.claim(identity, 'p', { limit: 5, expect: '' }) },
  release: {
    before: opened,
    run: (b) => b.release(identity, 'p'),
    after: (b) => b.claim(identity, 'q', { limit: 1, expect: '' }),
  },
};

/** Who holds a login session itself is told so, which is nobody to replace. Versions and revisions count on with a second run, which says nothing that is not so; times go on. */
function told(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer ?? 'nothing'), (key, value) =>
    key === 'previous' && value === 'p'
      ? undefined
      : /^(version|revision|awayFor|endsIn)$/.test(key)
        ? Math.sign(value)
        : value,
  );
}

const REPLACES: Case = {
  before: (b) => b.openSession({ ...session, peerId: 'q' }, identity, { limit: 5 }),
  run: opened,
};
const ALL = [...Object.entries(CASES), ['openSession in place of another', REPLACES] as const];

test.each(ALL)('B-46 %s whose answer is lost answers and leaves the same', async (name, one) => {
  const outcome = async (b: RedisBackplane, run: () => Promise<unknown>) => {
    await b.start('n', { onBatch() {}, onStale() {} });
    await one.before?.(b);
    const answer = await run();
    return told({ answer, after: await one.after?.(b) });
  };
  const prefix = `${name.replaceAll(' ', '-')}-${randomUUID()}`;
  await using undisturbed = createRedisBackplane({ url: redis.url, prefix: `${prefix}-1` });
  const expected = await outcome(undisturbed, () => one.run(undisturbed));
  await using proxy = new LossyProxy(redis.port);
  const url = `redis://127.0.0.1:${await proxy.listen()}/0`;
  await using disturbed = createRedisBackplane({ url, prefix: `${prefix}-2` });
  const got = await outcome(disturbed, () => {
    proxy.lose(one.nth ?? 1);
    return one.run(disturbed);
  });
  expect(got).toEqual(expected);
  expect(proxy.lost).toBe(1);
});
