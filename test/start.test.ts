/** `npm start` as people use it: what it prints, what it leaves out, and that it ends everything, however it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '@tandem/service/ports';
import { expect, onTestFinished, test, vi } from 'vitest';
import { formatApiKeyEntry, newApiKey } from '../apps/auth/src/testing.ts';
import { findProgram } from '../infra/local/programs.ts';
import { SignalingSession } from '../packages/rtc/src/index.ts';
import { cachedEngine } from '../scripts/lib/media-engine.mjs';
import { connectMedia, flows } from './support/media-peer.ts';

const root = resolve(import.meta.dirname, '..');
const patience = { timeout: 90_000, interval: 100 };

/** What `pid` started, and what those started. */
function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)))
    try {
      // Field 4 of stat; the name in field 2 may hold spaces, so count from its closing parenthesis.
      parents.set(Number(name), Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]));
    } catch {
      // It ended between the two calls.
    }
  const of = (parent: number): number[] =>
    [...parents].filter(([, p]) => p === parent).flatMap(([child]) => [child, ...of(child)]);
  return of(pid);
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

interface Started {
  child: ChildProcess;
  pid: number;
  output: () => string;
  exit: Promise<number | null>;
}

function start(args: string[], env: Record<string, string | undefined> = {}): Started {
  const child = spawn(process.execPath, ['infra/local/main.ts', ...args], {
    cwd: root,
    env: { ...process.env, REDIS_URL: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exit = new Promise<number | null>((done) => child.once('exit', done));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await exit;
  });
  return { child, pid: child.pid ?? 0, output: () => output, exit };
}

const isUp = (s: Started) => vi.waitFor(() => expect(s.output()).toContain('Tandem runs'), patience);
const areGone = (pids: number[]) => vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), patience);

/** A PATH with Node and nothing else. */
function barePath(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bare-'));
  symlinkSync(process.execPath, join(dir, 'node'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

test('it serves page, tokens and settings from one origin, and a TERM ends every child', async () => {
  expect(findProgram('redis-server'), 'apt-get install redis-server').toBeDefined();
  const s = start(['--port', '0', '--nodes', '3']);
  await isUp(s);
  expect(s.output()).toMatch(/Signaling {2}3 nodes on \d+, \d+, \d+, sharing Redis/);
  const link = new URL(/Open +(http\S+)/.exec(s.output())?.[1] ?? '');
  expect(link.search, 'the link names a room, so that two tabs meet').toMatch(/^\?room=call-[0-9a-f]{8}$/);
  const { origin } = link;
  const page = await fetch(origin);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const token = await fetch(`${origin}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId: 'ada' }),
  });
  expect(token.status).toBeLessThan(300);
  expect(await token.json()).toMatchObject({ token: expect.stringMatching(/^ey/) });
  expect((await fetch(`${origin}/.well-known/jwks.json`)).status).toBe(200);
  await vi.waitFor(async () => {
    const health = (await (await fetch(`${origin}/health`)).json()) as { parts: { signaling: { ready: boolean }[] } };
    expect(health.parts.signaling.map((n) => n.ready)).toEqual([true, true, true]);
  }, patience);
  const children = descendantsOf(s.pid);
  expect(children.length).toBeGreaterThanOrEqual(6);
  s.child.kill('SIGTERM');
  expect(await s.exit).toBe(0);
  await areGone(children);
});

test('Ctrl-C ends it, and a killed runner takes its children along', async () => {
  const first = start(['--port', '0']);
  await isUp(first);
  const ofFirst = descendantsOf(first.pid);
  first.child.kill('SIGINT');
  expect(await first.exit).toBe(0);
  await areGone(ofFirst);

  const second = start(['--port', '0']);
  await isUp(second);
  const ofSecond = descendantsOf(second.pid);
  second.child.kill('SIGKILL');
  await second.exit;
  await areGone(ofSecond);
});

test('without redis-server, coturn and the media engine it runs one node, and says what is missing', async () => {
  const s = start(['--port', '0', '--nodes', '2'], { PATH: barePath(), XDG_CACHE_HOME: barePath() });
  await isUp(s);
  expect(s.output()).toMatch(/Signaling {2}1 node on \d+\n/);
  expect(s.output()).toMatch(/Left out +redis-server is not installed: one signaling node/);
  expect(s.output()).toMatch(/Left out +coturn \(turnserver\) is not installed: no relay/);
  expect(s.output()).toMatch(
    /Left out +the media engine is not here: large rooms stay a mesh. To get it: npm run media:engine/,
  );
});

test('with Node’s proxy of the environment it asks its own parts itself, and a Redis that is not there is named at once', async () => {
  const proxy = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
  await isUp(start(['--port', '0', '--no-media'], proxy));
  const away = start(['--port', '0'], { REDIS_URL: 'redis://user:s3cret@127.0.0.1:9' });
  expect(await away.exit).toBe(1);
  expect(away.output().trim()).toMatch(
    /^REDIS_URL: no Redis answers at redis:\/\/127\.0\.0\.1:9 \(.*ECONNREFUSED.*\)\. Fix: /,
  );
  expect(away.output()).not.toContain('s3cret');
});

test('from the fifth person on a room goes through a media node of this machine, and not any more once two are left', async () => {
  expect(findProgram('redis-server'), 'apt-get install redis-server').toBeDefined();
  expect(cachedEngine() ?? findProgram('janus'), 'npm run media:engine').toBeDefined();
  const s = start(['--port', '0'], { MESH_AFTER_SECONDS: '1' });
  await isUp(s);
  const { origin } = new URL(/Open +(http\S+)/.exec(s.output())?.[1] ?? '');
  const enter = async (room: string, userId: string) => {
    const session = await sessionOf(origin, userId);
    await session.join(room);
    return session;
  };
  const names = ['ada', 'bob', 'cem', 'dea', 'eve'];
  const four = await Promise.all(names.slice(0, 4).map((name) => enter('large', name)));
  // Rooms are looked at together: when a later one of five has its node, four would have had theirs.
  const later = await Promise.all(names.map((name) => enter('later', `${name}-2`)));
  await vi.waitFor(() => expect(later.every(({ media }) => media)).toBe(true), patience);
  expect(four.map(({ media }) => media)).toEqual(four.map(() => undefined));
  for (const session of later) session.close();
  const five = [...four, await enter('large', 'eve')];
  const people = await Promise.all(five.map((session, i) => connectMedia(session, 'large', `${names[i]}`)));
  for (const person of people) {
    onTestFinished(() => person.close());
    await vi.waitFor(async () => expect(await flows(person)).toBe(true), patience);
  }
  for (const person of people.splice(2)) person.close();
  await vi.waitFor(
    () =>
      expect(people.map(({ session }) => [session.peers.size, session.media])).toEqual([
        [1, undefined],
        [1, undefined],
      ]),
    patience,
  );
});

/** Of a guest, not connected yet. */
async function sessionOf(origin: string, userId: string): Promise<SignalingSession> {
  const answer = await fetch(`${origin}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId }),
  });
  const { token } = (await answer.json()) as { token: string };
  const session = new SignalingSession({
    url: `${origin.replace(/^http/, 'ws')}/ws/signal`,
    getToken: async () => token,
  });
  onTestFinished(() => session.close());
  return session;
}

test('a signaling node that dies is started again', async () => {
  const s = start(['--port', '0']);
  await isUp(s);
  const isNode = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('apps/signaling');
  const victim = descendantsOf(s.pid).find(isNode);
  process.kill(victim ?? 0, 'SIGKILL');
  await vi.waitFor(() => expect(s.output()).toMatch(/signaling-\d is back\./), patience);
  expect(s.output()).toMatch(/signaling-\d ended \(SIGKILL\)/);
});

test('a taken port, a wrong option and a failed child each give one line with the fix', async () => {
  const port = await freePort();
  const squatter = createServer().listen(port, 'localhost');
  onTestFinished(() => void squatter.close());
  const taken = start(['--port', `${port}`]);
  expect(await taken.exit).toBe(1);
  expect(taken.output().trim()).toMatch(
    new RegExp(`^port ${port} \\(page\\) is in use\\. .*npm start -- --port ${port + 100}$`),
  );

  const wrong = start(['--nodes', 'many']);
  expect(await wrong.exit).toBe(2);
  expect(wrong.output().trim()).toBe('--nodes many: expected a whole number from 1 to 16');

  const failing = start(['--port', '0'], { LOG_LEVEL: 'nonsense' });
  expect(await failing.exit).toBe(1);
  expect(failing.output().trim().split('\n')).toHaveLength(1);
  expect(failing.output()).toMatch(
    /(auth|signaling-\d|edge) ended \(code 1\).*LOG_LEVEL: expected one of trace.*Log: /,
  );
});

test('--https serves a certificate of its own', async () => {
  const s = start(['--port', '0', '--https']);
  await isUp(s);
  expect(s.output()).toMatch(/Open +https:\/\/localhost:\d+\/\?room=call-/);
  // Where this machine has an address on a network, a phone gets the same room by QR code.
  expect(/Or +https:/.test(s.output())).toBe(s.output().includes('█'));
});

test('ACCESS of the environment holds: no guest where only backends may ask, and the key that was given', async () => {
  const { key, record } = newApiKey();
  const s = start(['--port', '0'], { PATH: barePath(), ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(record) });
  await isUp(s);
  const { origin } = new URL(/Open +(http\S+)/.exec(s.output())?.[1] ?? '');
  const ask = (headers: Record<string, string>) =>
    fetch(`${origin}/auth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ userId: 'ada' }),
    });
  expect((await ask({})).status).toBe(401);
  expect((await ask({ 'x-api-key': key })).status).toBe(200);
});

test('CAPTIONS_RECOGNIZERS of the environment starts captions, and the page offers their languages; a wrong one is one line', async () => {
  const s = start(['--port', '0'], {
    PATH: barePath(),
    CAPTIONS_RECOGNIZERS: 'en=ws://127.0.0.1:9,de=ws://127.0.0.1:9',
  });
  await isUp(s);
  expect(s.output()).toMatch(/Captions +of en, de, /);
  const { origin } = new URL(/Open +(http\S+)/.exec(s.output())?.[1] ?? '');
  expect(await (await fetch(`${origin}/config.json`)).json()).toMatchObject({ captionLanguages: ['en', 'de'] });
  await vi.waitFor(async () => {
    const health = (await (await fetch(`${origin}/health`)).json()) as { parts: { captions: { ready: boolean }[] } };
    expect(health.parts.captions.map((n) => n.ready)).toEqual([true]);
  }, patience);

  const wrong = start(['--port', '0'], { PATH: barePath(), CAPTIONS_RECOGNIZERS: 'en' });
  expect(await wrong.exit).toBe(1);
  expect(wrong.output().trim()).toMatch(
    /^captions ended \(code 1\).*CAPTIONS_RECOGNIZERS: expected languages with.*Log: \S+$/,
  );
});
