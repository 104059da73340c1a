/** Tokens of a session: asked for, asked for again, and out of date. */
import { expect, test } from 'vitest';
import { GiveUpError } from './session-types.ts';
import { Bench, WELCOME } from './testing-session.ts';

test('4002: a fresh token, at once', async () => {
  const bench = await new Bench().connected();
  bench.socket.drop(4002);
  await bench.time.settle(250);
  expect(bench.tokens).toEqual([false, true]);
  expect(bench.sockets).toHaveLength(2);
});

test('accessToken: one request for it and the socket, whichever comes first; a new one when it runs out', async () => {
  const seconds = () => Math.floor(Date.now() / 1000);
  let exp = seconds() + 3600;
  const asked: boolean[] = [];
  const make = () =>
    new Bench({
      getToken: async ({ refresh }) => {
        asked.push(refresh);
        return `x.${btoa(JSON.stringify({ exp: exp }))}.${asked.length}`;
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
  exp = seconds() + 5;
  const third = await make().connected();
  await third.session.accessToken();
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

test('a token that runs out soon: a move with a fresh one before the server must close', async () => {
  const exp = Math.floor(Date.now() / 1000) + 600;
  const token = `x.${btoa(JSON.stringify({ exp }))}.y`;
  const asked: boolean[] = [];
  const bench = new Bench({
    getToken: async ({ refresh }) => {
      asked.push(refresh);
      return token;
    },
  });
  await bench.connected();
  const answer = setInterval(() => {}, 1000);
  clearInterval(answer);
  for (let i = 0; i < 600 && bench.sockets.length === 1; i++) {
    await bench.time.settle(1000);
    bench.sockets[0]?.say({ type: 'pong' });
  }
  expect(bench.sockets).toHaveLength(2);
  expect(bench.time.now()).toBeGreaterThan(500_000);
  expect(bench.time.now()).toBeLessThan(599_000);
  expect(asked).toEqual([false, true]);
});
