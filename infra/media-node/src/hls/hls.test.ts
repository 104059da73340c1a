/** Who waits at a node for HLS: bounds, and what happens meanwhile. The packager is a folder that the test writes. */
import { once } from 'node:events';
import { mkdtempDisposable, readdir, rename, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { AccessClaims } from '@tandem/protocol';
import {
  assignRoom,
  connectRedis,
  forgetRoom,
  PROBLEM_OPTIONS,
  registerProblems,
  writeMediaNode,
} from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import Fastify, { type FastifyInstance } from 'fastify';
import { expect, onTestFinished, test, vi } from 'vitest';
import { isFolderId } from '../../../hls-packager/src/shared-folder.ts';
import type { RoomViewers } from '../room-viewers.ts';
import { givenTo } from '../streams/forward.ts';
import { MOST_OF_ONE } from '../streams/stream-sessions.ts';
import { Hls, MAX_HELD } from './hls.ts';
import { hlsRoutes } from './hls-app.ts';
import type { Position } from './playlist.ts';

/** By a login and from an address of its own. */
const who = (sub: string, position?: Position, address = sub) => ({
  owner: { sub, session_id: 's', jti: 'j', iat: 0, exp: 0 },
  address,
  position,
});
const code = (asked: Promise<unknown>) =>
  asked.then(
    () => 'answered',
    ({ code }) => code,
  );

async function served() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'hls-'));
  let gone = Promise.withResolvers<void>();
  const forwarding = {
    hasAudio: false,
    isSounding: () => false,
    videoCodec: 'vp8' as const,
    keyframe: () => {},
    close: async () => {},
  };
  const state = { isEncrypted: false, isLive: true, isCalled: false };
  const viewers = {
    since: Date.now(),
    isLive: async () => state.isLive,
    forward: async () => {
      gone = Promise.withResolvers<void>();
      return { ...forwarding, ended: gone.promise };
    },
    get isEncrypted() {
      return state.isEncrypted;
    },
  } as unknown as RoomViewers;
  const rooms = new Map([['r', { viewers }]]);
  const hls = await Hls.open({
    ...{ most: 1, folder: folder.path, host: '127.0.0.1', rooms, isCalled: async () => state.isCalled },
    ...{ isLeaving: () => false, say: () => {}, failed: () => {} },
  });
  onTestFinished(async () => {
    // One that lives answers when its description goes.
    gone.resolve();
    if (hls.isMaking('r')) await say('ended', 'over');
    await hls[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  /** Of packagers that have ended. */
  const left = new Set<string>();
  const room = async () => {
    const now = (await readdir(folder.path)).find((name) => isFolderId(name) && !left.has(name));
    return join(folder.path, now ?? '-');
  };
  const say = async (name: string, text: string) => {
    const path = join(await room(), name);
    await writeFile(`${path}.tmp`, text);
    await rename(`${path}.tmp`, path);
  };
  const grow = (parts: number, end = '') => {
    const date = '#EXT-X-PROGRAM-DATE-TIME:2026-11-29T12:00:00.000+0000';
    const lines = Array.from({ length: parts }, (_, i) => `#EXTINF:0.500000,\n${date}\n${i}.m4s\n`);
    return say('live.m3u8', [...lines, end].join(''));
  };
  const described = () => vi.waitFor(async () => expect(await readdir(await room())).toContain('in.sdp'));
  const first = async () => {
    const asked = hls.playlist('r', who('first'));
    await described();
    await grow(1);
    const text = await asked;
    const [, id = '', sequence] = /URI="([\w-]{24})\/(\d+)\.1\.m4s"/.exec(text ?? '') ?? [];
    return { id, sequence: Number(sequence) };
  };
  /** Its engine, or its sender, is gone. */
  const over = async () => {
    const path = await room();
    gone.resolve();
    await say('ended', 'over');
    await vi.waitFor(() => expect(hls.isMaking('r')).toBe(false));
    left.add(basename(path));
  };
  return { hls, rooms, viewers, state, described, say, grow, first, gone: () => gone.resolve(), over };
}

test('W-13 a login waits for a number of playlists and a node for a number of them: more are refused, and who waited is let go', async () => {
  const { hls, grow, first } = await served();
  const { id, sequence } = await first();
  const next = { sequence, part: 1 };
  const own = Array.from({ length: MOST_OF_ONE }, () => code(hls.playlist('r', who('eve', next))));
  expect(await code(hls.playlist('r', who('eve', next)))).toBe('too_many_sessions');
  const others = Array.from({ length: MAX_HELD - MOST_OF_ONE }, (_, i) => code(hls.playlist('r', who(`${i}`, next))));
  expect(await code(hls.playlist('r', who('ada', next)))).toBe('busy');
  await grow(2);
  expect(new Set(await Promise.all([...own, ...others]))).toEqual(new Set(['answered']));
  expect(await hls.playlist('r', who('eve', next))).toContain(`${sequence}.1.m4s`);
  expect(await code(hls.file('r', { id, name: `${sequence}.0.m4s`, address: 'eve' }))).toBe('not_found');
});

test('W-13 who waits for any number of parts without a token takes no playlist from others, and no part from another address', async () => {
  const { hls, grow, first } = await served();
  const { id, sequence } = await first();
  const part = (address: string) => hls.file('r', { id, name: `${sequence}.1.m4s`, address });
  // Until it is there.
  const flood = Array.from({ length: 2 * MAX_HELD }, (_, i) => code(part(`mallory ${i % 10}`)));
  const held = Array.from({ length: 10 }, (_, i) => code(part(`ada ${i}`)));
  const playlists = Array.from({ length: MAX_HELD }, (_, i) =>
    code(hls.playlist('r', who(`ada ${i}`, { sequence, part: 1 }))),
  );
  await grow(2);
  expect(new Set(await Promise.all(playlists))).toEqual(new Set(['answered']));
  // There is no such file, which is looked for after the wait.
  expect(new Set(await Promise.all(held))).toEqual(new Set(['not_found']));
  expect((await Promise.all(flood)).filter((one) => one === 'busy').length).toBeGreaterThan(MAX_HELD);
});

test('W-13 who waits when the room is sealed gets nothing of it, and who asks for what is far ahead waits for nothing', async () => {
  const { hls, state, grow, first } = await served();
  const { sequence } = await first();
  await expect(hls.playlist('r', who('ada', { sequence: sequence + 2, part: 0 }))).rejects.toMatchObject({
    status: 400,
    code: 'too_far',
  });
  const held = hls.playlist('r', who('ada', { sequence, part: 1 }));
  state.isEncrypted = true;
  await grow(2);
  await expect(held).rejects.toMatchObject({ status: 403, code: 'encrypted' });
});

test('W-13 a room that moves to this node goes on when its senders have connected; a player waits, and is asked to come again', async () => {
  const { hls, rooms, viewers, state, described, grow } = await served();
  const code = (asked: Promise<unknown>) =>
    asked.then(
      () => 'answered',
      ({ status, code }) => `${status} ${code}`,
    );
  rooms.delete('r');
  // Of the node before.
  const file = (room: string) => code(hls.file(room, { id: 'x'.repeat(24), name: '7.m4s', address: 'ada' }));
  // Of a room of which this node knows nothing a player learns at once that there is none.
  expect(await code(hls.playlist('r', who('ada')))).toBe('409 not_live');
  expect(await file('r')).toBe('404 not_found');
  state.isCalled = true;
  expect(await file('r')).toBe('503 starting');
  state.isLive = false;
  expect(await code(hls.playlist('r', who('ada')))).toBe('503 starting');
  const asked = code(hls.playlist('r', who('ada')));
  rooms.set('r', { viewers });
  state.isCalled = false;
  state.isLive = true;
  await described();
  await grow(1);
  expect(await asked).toBe('answered');
  expect(await file('r')).toBe('503 starting');
  // One that has been here for long has no stream.
  state.isLive = false;
  rooms.set('old', { viewers: Object.assign(Object.create(viewers), { since: Date.now() - 60_000 }) });
  expect(await code(hls.playlist('old', who('ada')))).toBe('409 not_live');
  expect(await file('old')).toBe('404 not_found');
});

test('W-13 a login waits for as many playlists of a room that comes to this node as of any other', async () => {
  const { hls, state, described, grow } = await served();
  state.isLive = false;
  const own = Array.from({ length: MOST_OF_ONE }, () => code(hls.playlist('r', who('eve'))));
  expect(await code(hls.playlist('r', who('eve')))).toBe('too_many_sessions');
  state.isLive = true;
  await described();
  await grow(1);
  expect(new Set(await Promise.all(own))).toEqual(new Set(['answered']));
  expect(await code(hls.playlist('r', who('eve')))).toBe('answered');
});

test('W-13 when the engine dies no player learns of an end: what the next packager makes is in the same playlist', async () => {
  const { hls, state, described, grow, over, first } = await served();
  const { id, sequence } = await first();
  await grow(3);
  const next = who('ada', { sequence: sequence + 1, part: 1 });
  const held = hls.playlist('r', next);
  state.isLive = false;
  await over();
  // The room may be at another node.
  expect(await held).toBeUndefined();
  // A player that comes now, and one that knows no parts.
  const list = await hls.playlist('r', who('ada'));
  expect(list).toContain(`${id}/${sequence + 1}.m4s`);
  expect(list).not.toMatch(/ENDLIST|PRELOAD-HINT/);
  expect(await hls.playlist('r', who('ada', { sequence: sequence + 1, part: 0 }))).toBe(list);
  expect(await code(hls.playlist('r', next))).toBe('starting');
  const waiting = hls.playlist('r', next);
  state.isLive = true;
  await described();
  await grow(1);
  const text = (await waiting) ?? '';
  const after = text.slice(text.indexOf(`${id}/${sequence + 1}.m4s`)).split('\n');
  const [, other] = /URI="([\w-]{24})\/init/.exec(after[2] ?? '') ?? [];
  expect(after.slice(1)).toEqual([
    ...['#EXT-X-DISCONTINUITY', `#EXT-X-MAP:URI="${other}/init.mp4"`, expect.stringContaining('DATE-TIME')],
    `#EXT-X-PART:DURATION=0.50000,URI="${other}/${sequence + 2}.0.m4s",INDEPENDENT=YES`,
    ...[`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${other}/${sequence + 2}.1.m4s"`, ''],
  ]);
  expect(other).not.toBe(id);
});

test('W-13 a stream that does not go on ends ten seconds after its packager', async () => {
  const { hls, state, first, over } = await served();
  const { sequence } = await first();
  state.isLive = false;
  await over();
  const asked = who('ada', { sequence: sequence + 1, part: 0 });
  expect(await code(hls.playlist('r', asked))).toBe('starting');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_001 });
  onTestFinished(() => void vi.useRealTimers());
  for (const one of [asked, who('ada')]) expect(await hls.playlist('r', one)).toMatch(/\n#EXT-X-ENDLIST\n$/);
});

/** The routes of this node, and another one that was given the room. */
async function twoNodes(hls: Hls) {
  const redis = await startRedis();
  const client = connectRedis(redis.url, {});
  const other = http.createServer(({ url }, answer) => void answer.end(`other ${url}`)).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  await writeMediaNode(client, 'other', { zone: 'a', load: 0, state: 'serving', http: address });
  const app = Fastify(PROBLEM_OPTIONS as object) as unknown as FastifyInstance;
  registerProblems(app);
  const { owner } = who('ada');
  const door = { verifier: { verify: async () => owner as AccessClaims }, isRevoked: () => false, trustedProxies: 0 };
  const elsewhere = (room: string) => givenTo(client, 'me', room);
  hlsRoutes(app, { door, hls, redis: client, failed: () => {}, elsewhere });
  onTestFinished(async () => {
    await app.close();
    other.close();
    client.disconnect();
    await redis[Symbol.asyncDispose]();
  });
  const headers = { authorization: 'Bearer token' };
  const ask = async (path: string) => {
    const { statusCode, body } = await app.inject({ url: `/whep/r/hls/${path}`, headers });
    return `${statusCode} ${body}`;
  };
  return { client, ask };
}

test('W-13 a room that moves to another node ends no player here: what the packager here has not is asked of that node', async () => {
  const { hls, state, say, grow, first, gone } = await served();
  const { client, ask } = await twoNodes(hls);
  const { id, sequence } = await first();
  const given = await assignRoom(client, 'r', undefined, 'other');
  // The people are still here.
  expect(await ask('live.m3u8')).toContain('200 #EXTM3U');
  const next = `live.m3u8?_HLS_msn=${sequence}&_HLS_part=1`;
  const held = ask(next);
  await say('0.m4s', 'media');
  await grow(1, '#EXT-X-ENDLIST\n');
  expect(await held).toBe(`200 other /whep/r/hls/${next}`);
  gone();
  await say('ended', 'over');
  await vi.waitFor(() => expect(hls.size).toBe(0));
  // Also when the next one might begin here, for somebody whose connection is not there yet.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 4000 });
  onTestFinished(() => void vi.useRealTimers());
  expect(await ask('live.m3u8')).toBe('200 other /whep/r/hls/live.m3u8');
  const theirs = `${'x'.repeat(24)}/7.m4s`;
  expect(await ask(theirs)).toBe(`200 other /whep/r/hls/${theirs}`);
  // What was made here is here.
  expect(await ask(`${id}/${sequence}.0.m4s`)).toBe('200 media');
  state.isLive = false;
  await forgetRoom(client, 'r', given?.epoch ?? 0);
  expect(await ask('live.m3u8')).not.toContain('#EXT-X-ENDLIST');
  vi.setSystemTime(Date.now() + 10_000);
  expect(await ask('live.m3u8')).toContain('#EXT-X-ENDLIST');
  // While nobody says where the room is, players are asked to come again.
  client.disconnect();
  expect(await ask('live.m3u8')).toMatch(/^503 .*"unavailable"/);
});
