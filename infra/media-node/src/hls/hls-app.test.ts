/** What is asked of a playlist, and by whom; the rest of HLS over HTTP is in test/pwa-live.test.ts. */
import type { AccessClaims } from '@tandem/protocol';
import { PROBLEM_OPTIONS, ProblemError, type RedisClient, registerProblems } from '@tandem/service';
import Fastify, { type FastifyInstance } from 'fastify';
import { expect, test, vi } from 'vitest';
import { hlsRoutes } from './hls-app.ts';

const claims = { sub: 'ada', session_id: 's', jti: 'j', iat: 1, exp: Date.now() / 1000 + 600 } as AccessClaims;
const headers = { authorization: 'Bearer token' };

function served() {
  const app = Fastify(PROBLEM_OPTIONS as object) as unknown as FastifyInstance;
  registerProblems(app);
  const playlist = vi.fn(async () => '#EXTM3U\n');
  const file = vi.fn(async () => Buffer.from('media'));
  const isRevoked = vi.fn(() => false);
  const failed = vi.fn();
  hlsRoutes(app, {
    door: { verifier: { verify: async () => claims }, isRevoked, trustedProxies: 0 },
    hls: { playlist, file, isMaking: () => false, has: () => false },
    redis: undefined as unknown as RedisClient,
    elsewhere: async () => undefined,
    failed,
  });
  const ask = (path: string) => app.inject({ url: `/whep/room/hls/${path}`, headers });
  return { ask, playlist, file, isRevoked, failed };
}

test('W-13 a playlist is asked for by two numbers, and nothing else is read of the query', async () => {
  const { ask, playlist } = served();
  const good = {
    '': undefined,
    '?_HLS_msn=7': { sequence: 7, part: undefined },
    '?_HLS_msn=0&_HLS_part=0': { sequence: 0, part: 0 },
    '?_HLS_part=1&_HLS_msn=7&_HLS_skip=YES&other=1&token=x': { sequence: 7, part: 1 },
  };
  for (const [query, position] of Object.entries(good)) {
    expect((await ask(`live.m3u8${query}`)).statusCode, query).toBe(200);
    expect(playlist, query).toHaveBeenLastCalledWith('room', { owner: claims, address: '127.0.0.1', position });
  }
  const calls = playlist.mock.calls.length;
  const odd = [
    ...[
      '_HLS_part=0',
      '_HLS_msn=',
      '_HLS_msn=x',
      '_HLS_msn=-1',
      '_HLS_msn=1e3',
      '_HLS_msn=0x1',
      '_HLS_msn=1.5',
      '_HLS_msn=%00',
    ],
    ...[
      '_HLS_msn=99999999999',
      '_HLS_msn=1&_HLS_part=-1',
      '_HLS_msn=1&_HLS_part=',
      '_HLS_msn=1&_HLS_msn=2',
      '_HLS_msn=%31%0a',
    ],
  ];
  for (const query of odd) expect((await ask(`live.m3u8?${query}`)).statusCode, query).toBe(400);
  expect(playlist).toHaveBeenCalledTimes(calls);
});

test('W-13 a token that is revoked while its playlist is held gets none', async () => {
  const { ask, playlist, isRevoked } = served();
  playlist.mockImplementation(async () => {
    isRevoked.mockReturnValue(true);
    return '#EXTM3U\n';
  });
  const answer = await ask('live.m3u8?_HLS_msn=7');
  expect([answer.statusCode, answer.json().code]).toEqual([401, 'revoked']);
});

test('W-13 a file is asked for by the form of its name', async () => {
  const { ask, file } = served();
  const id = 'room-of-twenty-four-sign';
  expect((await ask(`${id}/7.1.m4s`)).headers).toMatchObject({
    'content-type': 'video/mp4',
    'cache-control': 'public, max-age=60, immutable',
  });
  const odd = [
    ...[
      `${id}/..%2f7.m4s`,
      `${id}/%2e%2e`,
      `${id}/in.sdp`,
      `${id}/7.m4s%00`,
      `${id}/7.1.m4s.tmp`,
      `..%2f${id}/7.m4s`,
      '%2e%2e/7.m4s',
    ],
    ...['other/7.m4s', `${id}/live.m3u8`],
  ];
  for (const path of odd) expect((await ask(path)).statusCode, path).toBe(404);
  expect(file).toHaveBeenCalledTimes(1);
});

test('W-13 a playlist that the node could not give is said with its code; a refusal is not, nor a file', async () => {
  const { ask, playlist, file, failed } = served();
  playlist.mockRejectedValueOnce(new ProblemError(409, 'not_live', 'none'));
  playlist.mockRejectedValueOnce(new ProblemError(503, 'busy', 'full'));
  playlist.mockRejectedValueOnce(new Error('broken'));
  file.mockRejectedValueOnce(new ProblemError(503, 'starting', 'soon'));
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await ask('live.m3u8')).statusCode);
  statuses.push((await ask('room-of-twenty-four-sign/7.1.m4s')).statusCode);
  expect(statuses).toEqual([409, 503, 500, 200, 503]);
  expect(failed.mock.calls).toEqual([['busy'], ['internal']]);
});
