/** A call through the containers of compose.yaml. scripts/test-containers.mjs brings them up and runs this. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { SignalingSession } from '../packages/rtc/src/index.ts';
import { launchBrowser } from './support/browser.ts';
import { expectMedia, joinRoom, socketsPerNode } from './support/call.ts';
import { containersOf } from './support/containers.ts';
import { flows, joinMedia, type MediaPeer } from './support/media-peer.ts';
import { browserForName, canaryOutput, onlyTurns } from './support/public-name.ts';

const origin = process.env.TANDEM_CONTAINERS ?? '';
let browser: Browser;
/** The certificate of Caddy's own authority, PEM file. */
let authority: string;
const folder = mkdtempSync(join(tmpdir(), 'containers-'));

beforeAll(async () => {
  browser = await launchBrowser();
  await vi.waitFor(async () => expect((await fetch(`${origin}/health`)).status).toBe(200), {
    timeout: 120_000,
    interval: 500,
  });
  const [tls = ''] = containersOf('tls');
  authority = join(folder, 'root.crt');
  await vi.waitFor(
    () => {
      const certificate = execFileSync('docker', ['exec', tls, 'cat', '/data/caddy/pki/authorities/local/root.crt']);
      writeFileSync(authority, certificate);
    },
    { timeout: 60_000, interval: 500 },
  );
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** A page in a call; closed with its test, as each encodes and decodes video on this machine's cores. */
async function enterRoom(...given: Parameters<typeof joinRoom>): ReturnType<typeof joinRoom> {
  const page = await joinRoom(...given);
  onTestFinished(() => page.close());
  return page;
}

test('every node of every service is live and ready', async () => {
  type Health = { parts: Record<string, { live: boolean; ready: boolean }[]> };
  await vi.waitFor(
    async () => {
      const { parts } = (await (await fetch(`${origin}/health`)).json()) as Health;
      const states = Object.entries(parts).map(([name, nodes]) => [name, nodes.map((n) => n.live && n.ready)]);
      expect(Object.fromEntries(states)).toEqual({
        auth: [true],
        signaling: [true, true],
        media: [true],
        hooks: [true],
        captions: [true],
      });
    },
    { timeout: 60_000, interval: 500 },
  );
});

test('every container finds itself healthy: services by /health/startup, the TURN node by STUN, the media node by its loop, the cache by PING', async () => {
  const filter = `label=com.docker.compose.project=${process.env.COMPOSE_PROJECT_NAME}`;
  await vi.waitFor(
    () => {
      const lines = execFileSync('docker', ['ps', '--filter', filter, '--format', '{{.Names}}: {{.Status}}'], {
        encoding: 'utf8',
      });
      expect(lines.trim().split('\n')).toHaveLength(13);
      expect(
        lines
          .trim()
          .split('\n')
          .filter((line) => !line.endsWith('(healthy)'))
          .sort(),
        // These have no check of their own: a recording is composed and HLS is made below, captions are in a file of their own, and the canary goes through Caddy.
      ).toEqual(
        ['composer', 'packager', 'recognizer', 'tls'].map((name) => expect.stringMatching(`[-_]${name}[-_]1: Up`)),
      );
    },
    { timeout: 60_000, interval: 500 },
  );
});

test('two people call each other through two signaling containers', async () => {
  const ada = await enterRoom(browser, origin, 'Ada', 'containers');
  let bob = await enterRoom(browser, origin, 'Bob', 'containers');
  // A node that is busy sends an arrival to the other one: then he comes again.
  for (let i = 0; i < 5 && (await socketsPerNode(origin)).includes(0); i++) {
    await bob.close();
    bob = await enterRoom(browser, origin, 'Bob', 'containers');
  }
  expect(Math.min(...(await socketsPerNode(origin)))).toBeGreaterThan(0);
  await expectMedia([ada, bob]);
});

test('under its name: one certificate for https and turns:, which the TURN container took up by itself', async () => {
  const page = process.env.TANDEM_CONTAINERS_PUBLIC ?? '';
  await vi.waitFor(
    async () => {
      const output = await canaryOutput(page, authority);
      expect(output.trim().split('\n').at(-1), output).toBe(`${page} passed`);
    },
    // The node looks for a certificate once a minute, and starts anew with the first one: no call before that.
    { timeout: 200_000, interval: 5000 },
  );
});

test('the canary passes over http as well: a join, messages, allocations and packets through the relay', async () => {
  expect(await canaryOutput(origin, authority)).toContain(`${origin} passed`);
});

test('a call through the TURN container alone, which auth knows from the directory only', async () => {
  const settings = { iceTransportPolicy: 'relay' };
  const ada = await enterRoom(browser, origin, 'Ada', 'relayed', settings);
  const bob = await enterRoom(browser, origin, 'Bob', 'relayed', settings);
  await expectMedia([ada, bob], 'relay/relay');
});

test('from five people on a room goes through the media container', async () => {
  const people: MediaPeer[] = [];
  onTestFinished(() => {
    for (const person of people) person.close();
  });
  const url = `${origin.replace(/^http/, 'ws')}/ws/signal`;
  const enter = async (name: string) => {
    const token = await tokenOf(name);
    const session = new SignalingSession({ url, getToken: async () => token });
    people.push(await joinMedia(session, 'large', name));
  };
  // The node comes with the fifth: all wait for it.
  await Promise.all(['ada', 'bob', 'cem', 'dea', 'eve'].map(enter));
  for (const person of people)
    await vi.waitFor(async () => expect(await flows(person)).toBe(true), { timeout: 60_000, interval: 500 });
});

async function tokenOf(userId: string): Promise<string> {
  const answer = await fetch(`${origin}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId }),
  });
  return ((await answer.json()) as { token: string }).token;
}

/** Asks as somebody who may record. A node on a busy machine says when to come back (503): calls come first. */
async function asKeeper(room: string): Promise<(path: string, method?: string) => Promise<Response>> {
  const token = await tokenOf('keeper');
  const headers = { authorization: `Bearer ${token}` };
  return async (path, method = 'GET') => {
    const until = Date.now() + 90_000;
    for (;;) {
      const answer = await fetch(`${origin}${path.replace('ROOM', room)}`, { method, headers });
      const seconds = Number(answer.headers.get('retry-after'));
      if (answer.status !== 503 || seconds === 0 || Date.now() > until) return answer;
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  };
}

// Before HLS, which records too: there is one composer, and what has ended first is composed first.
test('a recording: the media container writes it, the composer container makes the film, signaling hands it out', async () => {
  const [ada, bob] = [
    await enterRoom(browser, origin, 'Ada', 'taped'),
    await enterRoom(browser, origin, 'Bob', 'taped'),
  ];
  await expectMedia([ada, bob]);
  const keeper = await asKeeper('taped');
  const ask = (path = '', method = 'GET') => keeper(`/v1/rooms/ROOM/recordings${path}`, method);
  const begun = await ask('', 'POST');
  expect(begun.status).toBe(201);
  const { recordingId } = (await begun.json()) as { recordingId: string };
  await new Promise((resolve) => setTimeout(resolve, 8000));
  expect((await ask(`/${recordingId}/stop`, 'POST')).status).toBe(200);
  await vi.waitFor(async () => expect(await (await ask(`/${recordingId}`)).json()).toMatchObject({ status: 'ready' }), {
    timeout: 120_000,
    interval: 1000,
  });
  const film = Buffer.from(await (await ask(`/${recordingId}/files/composed.webm`)).arrayBuffer());
  // Matroska begins so (RFC 8794).
  expect(film.toString('hex', 0, 4)).toBe('1a45dfa3');
});

test('HLS: the media container forwards a camera, the packager container makes segments of it, the edge hands them out', async () => {
  const people = [await enterRoom(browser, origin, 'Ada', 'shown'), await enterRoom(browser, origin, 'Bob', 'shown')];
  await expectMedia(people);
  const ask = await asKeeper('shown');
  // What is recorded goes through the media node, whatever the number of people.
  expect((await ask('/v1/rooms/ROOM/recordings', 'POST')).status).toBe(201);
  const playlist = await vi.waitFor(
    async () => {
      const answer = await ask('/whep/ROOM/hls/live.m3u8');
      const text = await answer.text();
      expect(answer.status, text).toBe(200);
      expect(text).toMatch(/\.m4s$/m);
      return text;
    },
    { timeout: 90_000, interval: 1000 },
  );
  const [segment = ''] = /^\S+\.m4s$/m.exec(playlist) ?? [];
  const [first, media] = await Promise.all(
    [segment.replace(/[^/]+$/, 'init.mp4'), segment].map(async (name) => {
      const answer = await ask(`/whep/ROOM/hls/${name}`);
      expect(answer.status, name).toBe(200);
      return Buffer.from(await answer.arrayBuffer());
    }),
  );
  // Boxes of ISO/IEC 14496-12: a file begins with `ftyp`, a segment has `moof`.
  expect(first?.toString('latin1', 4, 8)).toBe('ftyp');
  expect(media?.includes('moof')).toBe(true);
  // The edge passes on what a low-latency player asks for: the media node reads it, and refuses what is no number.
  expect((await ask('/whep/ROOM/hls/live.m3u8?_HLS_msn=x')).status).toBe(400);
});

test('the packager, which decodes what strangers send, reaches no network but its own', () => {
  const [id = ''] = containersOf('packager');
  const addresses = [
    // The internet, the metadata of a cloud, credentials of a task, and the cache at its port of the host.
    ...[
      ['1.1.1.1', 443],
      ['169.254.169.254', 80],
      ['169.254.170.2', 80],
    ],
    ['127.0.0.1', Number(process.env.TANDEM_CACHE_PORT)],
  ];
  const program = `
    const { connect } = require('node:net');
    const tried = ${JSON.stringify(addresses)}.map(([host, port]) => new Promise((done) => {
      const socket = connect({ host, port, timeout: 3000 });
      socket.on('connect', () => done('open')).on('error', ({ code }) => done(code)).on('timeout', () => done('timeout'));
    }));
    Promise.all(tried).then((all) => { console.log(JSON.stringify(all)); process.exit(0); });`;
  const found = execFileSync('docker', ['exec', id, 'node', '-e', program], { encoding: 'utf8' });
  // Engines drop or refuse what has no way out.
  const away = expect.stringMatching(/^(ENETUNREACH|EHOSTUNREACH|timeout)$/);
  expect(JSON.parse(found)).toEqual([away, away, away, 'ECONNREFUSED']);
});

test('a call over https, and one by turns: alone', async () => {
  const page = process.env.TANDEM_CONTAINERS_PUBLIC ?? '';
  const byName = await browserForName();
  onTestFinished(() => byName.close());
  const named = [await joinRoom(byName, page, 'Ada', 'named'), await joinRoom(byName, page, 'Bob', 'named')];
  await expectMedia(named);
  await Promise.all(named.map((one) => one.close()));
  const byTurns = (name: string) => joinRoom(byName, page, name, 'by-turns', undefined, onlyTurns);
  await expectMedia([await byTurns('Cem'), await byTurns('Dea')], 'relay/relay');
});
