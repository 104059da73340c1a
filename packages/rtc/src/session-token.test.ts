/** Tokens of a session: asked for, asked for again, and out of date. */
import { expect, test, vi } from 'vitest';
import { GiveUpError } from './session-types.ts';
import { Bench, RESUMED, WELCOME } from './testing-session.ts';

test('4002: a fresh token, at once', async () => {
  const bench = await new Bench().connected();
  bench.socket.drop(4002);
  await bench.time.settle(250);
  expect(bench.tokens).toEqual([false, true]);
  expect(bench.sockets).toHaveLength(2);
});

test('4002 again and again, as the token is no other one: less and less often', async () => {
  const bench = await new Bench().connected();
  bench.socket.drop(4002);
  const next = async () => {
    while (bench.socket.readyState !== 0) await bench.time.settle(100);
    bench.socket.open();
  };
  while (bench.time.now() < 60_000) {
    await next();
    bench.socket.drop(4002);
  }
  expect(bench.sockets.length).toBeLessThan(20);
  // A session that stands is the end of it: the next time it is at once again.
  await next();
  bench.socket.say(RESUMED);
  bench.socket.drop(4002);
  const { length } = bench.sockets;
  await bench.time.settle(250);
  expect(bench.sockets).toHaveLength(length + 1);
});

test('accessToken: one request for it and the socket, whichever comes first; a new one when it runs out', async () => {
  const asked: boolean[] = [];
  const make = () =>
    new Bench({
      getToken: async ({ refresh }) => {
        asked.push(refresh);
        return `token ${asked.length}`;
      },
    });
  const first = make();
  const [, token] = await Promise.all([first.connected(), first.session.accessToken()]);
  expect(first.socket.protocols[1]).toBe(`bearer.${token}`);
  expect(asked).toEqual([false]);
  const second = make();
  const early = await second.session.accessToken();
  await second.connected();
  expect(second.socket.protocols[1]).toBe(`bearer.${early}`);
  expect(asked).toEqual([false, false]);
  const third = await make().connected({ tokenExpiresInMs: 5000 });
  expect([await third.session.accessToken(), await third.session.accessToken()]).toEqual(['token 3', 'token 3']);
  await third.time.settle(5000);
  expect(await third.session.accessToken()).toBe('token 4');
  expect(asked).toEqual([false, false, false, true]);
});

test('a token supplier that gives up ends the session; one that fails is asked again', async () => {
  let calls = 0;
  const bench = new Bench({
    getToken: async () => {
      calls++;
      if (calls < 3) throw new Error('network');
      throw new GiveUpError('your account is closed');
    },
  });
  const done = bench.session.connect();
  const refused = expect(done).rejects.toMatchObject({ code: 'token_refused', message: 'your account is closed' });
  await bench.time.settle(5000);
  await refused;
  expect(calls).toBe(3);
});

test('a token that is asked for again has the same idempotency key; the next one another', async () => {
  const keys: string[] = [];
  const bench = new Bench({
    getToken: async ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      if (keys.length < 3) throw new Error('the answer got lost');
      return 'token';
    },
  });
  bench.session.connect().catch(() => {});
  await bench.time.settle(5000);
  bench.socket.open();
  bench.socket.say(WELCOME);
  bench.socket.drop(1001);
  await bench.time.settle(5000);
  expect(keys).toHaveLength(4);
  expect(new Set(keys.slice(0, 3)).size).toBe(1);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[3]).not.toBe(keys[0]);
});

test.each([
  ['right', 0],
  ['2 minutes slow', -120_000],
  ['an hour fast', 3_600_000],
])(
  'a token that runs out soon, the clock of the device %s: a move with a fresh one before the server must close',
  async (_, wrong) => {
    const exp = Math.floor(Date.now() / 1000) + 600;
    const now = Date.now;
    using _clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + wrong);
    const asked: boolean[] = [];
    const bench = new Bench({
      getToken: async ({ refresh }) => {
        asked.push(refresh);
        return `x.${btoa(JSON.stringify({ exp }))}.y`;
      },
    });
    await bench.connected({ tokenExpiresInMs: 600_000 });
    const pass = async (seconds: number) => {
      const sockets = bench.sockets.length;
      for (let i = 0; i < seconds && bench.sockets.length === sockets; i++) {
        await bench.time.settle(1000);
        bench.sockets[sockets - 1]?.say({ type: 'pong' });
      }
      return bench.time.now();
    };
    const first = await pass(600);
    expect(first).toBeGreaterThan(500_000);
    expect(first).toBeLessThan(599_000);
    // The time that counts is that of the token that the session goes on with.
    bench.socket.open();
    bench.socket.say({ ...RESUMED, tokenExpiresInMs: 120_000 });
    const second = (await pass(120)) - first;
    expect(second).toBeGreaterThan(80_000);
    expect(second).toBeLessThan(119_000);
    expect(asked).toEqual([false, true, true]);
  },
);

test.each([undefined, 0, -1, 1e300])(
  'no move where the server says that a token is good for %s ms',
  async (tokenExpiresInMs) => {
    const bench = await new Bench().connected({ tokenExpiresInMs });
    const { waiting } = bench.time;
    const other = await new Bench().connected({ tokenExpiresInMs: 600_000 });
    expect(other.time.waiting - waiting).toBe(1);
  },
);

test.each([
  ['serves', 'open'],
  ['is closed for its old token', 'reconnecting'],
])('a token that never comes is given up and asked for again, where the old socket %s', async (_, state) => {
  const keys: string[] = [];
  let late = (_token: string) => {};
  const bench = new Bench({
    getToken: ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      if (keys.length !== 2) return Promise.resolve(`token ${keys.length}`);
      return new Promise((resolve) => {
        late = resolve;
      });
    },
  });
  await bench.connected({ tokenExpiresInMs: 60_000 });
  while (keys.length < 2) {
    await bench.time.settle(1000);
    bench.socket.say({ type: 'pong' });
  }
  await bench.time.settle(5000);
  bench.socket.say({ type: 'pong' });
  if (state === 'reconnecting') bench.socket.drop(4002);
  while (keys.length < 3 && bench.time.now() < 120_000) await bench.time.settle(100);
  expect(bench.session.state).toBe(state);
  expect(keys[2], 'the second answer may be what was lost').toBe(keys[1]);
  late('token 2');
  await bench.time.settle(1000);
  expect(bench.sockets).toHaveLength(2);
  expect(bench.socket.protocols[1]).toBe('bearer.token 3');
  bench.socket.open();
  bench.socket.say(RESUMED);
  expect(bench.session.state).toBe('open');
  expect(await bench.session.accessToken()).toBe('token 3');
});

test('accessToken: a token that never comes is an error, and the next call asks again', async () => {
  let calls = 0;
  const { session, time } = new Bench({
    getToken: () => (++calls === 1 ? new Promise(() => {}) : Promise.resolve('token')),
  });
  const refused = expect(session.accessToken()).rejects.toThrow('no answer within 10000 ms');
  await time.settle(10_000);
  await refused;
  expect(await session.accessToken()).toBe('token');
});

test.each([
  ['never answers', () => new Promise<never>(() => {})],
  [
    'throws at once',
    () => {
      throw new Error('a bug');
    },
  ],
])('a probe that %s does not end reconnecting', async (_, probe) => {
  const bench = new Bench({ probe });
  bench.session.connect().catch(() => {});
  await bench.time.settle(0);
  bench.socket.drop(1006);
  while (bench.sockets.length < 2 && bench.time.now() < 60_000) await bench.time.settle(100);
  expect(bench.sockets).toHaveLength(2);
});
