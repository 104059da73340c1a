/** Who waits at a node for HLS: bounds, and what happens meanwhile. The packager is a folder that the test writes. */
import { mkdtempDisposable, readdir, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { isFolderId } from '../../../hls-packager/src/shared-folder.ts';
import type { RoomViewers } from '../room-viewers.ts';
import { MOST_OF_ONE } from '../streams/stream-sessions.ts';
import { Hls, MAX_HELD } from './hls.ts';
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
  const gone = Promise.withResolvers<void>();
  const forwarding = {
    hasAudio: false,
    videoCodec: 'vp8' as const,
    ended: gone.promise,
    keyframe: () => {},
    close: async () => {},
  };
  const state = { isEncrypted: false, isLive: true, isCalled: false };
  const viewers = {
    since: Date.now(),
    isLive: async () => state.isLive,
    forward: async () => forwarding,
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
    await say('ended', 'over');
    await hls[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const room = () => vi.waitFor(async () => join(folder.path, (await readdir(folder.path)).find(isFolderId) ?? '-'));
  const say = async (name: string, text: string) => {
    const path = join(await room(), name);
    await writeFile(`${path}.tmp`, text);
    await rename(`${path}.tmp`, path);
  };
  const grow = (parts: number) =>
    say(
      'live.m3u8',
      Array.from(
        { length: parts },
        (_, i) => `#EXTINF:0.500000,\n#EXT-X-PROGRAM-DATE-TIME:2026-11-29T12:00:00.000+0000\n${i}.m4s\n`,
      ).join(''),
    );
  const described = () => vi.waitFor(async () => expect(await readdir(await room())).toContain('in.sdp'));
  const first = async () => {
    const asked = hls.playlist('r', who('first'));
    await described();
    await grow(1);
    const text = await asked;
    const [, id = '', sequence] = /URI="([\w-]{24})\/(\d+)\.1\.m4s"/.exec(text) ?? [];
    return { id, sequence: Number(sequence) };
  };
  return { hls, rooms, viewers, state, described, grow, first };
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
  // Of a room of which this node knows nothing a player learns at once that there is none.
  expect(await code(hls.playlist('r', who('ada')))).toBe('409 not_live');
  state.isCalled = true;
  state.isLive = false;
  expect(await code(hls.playlist('r', who('ada')))).toBe('503 starting');
  const asked = code(hls.playlist('r', who('ada')));
  rooms.set('r', { viewers });
  state.isCalled = false;
  state.isLive = true;
  await described();
  await grow(1);
  expect(await asked).toBe('answered');
  // One that has been here for long has no stream.
  state.isLive = false;
  rooms.set('old', { viewers: Object.assign(Object.create(viewers), { since: Date.now() - 60_000 }) });
  expect(await code(hls.playlist('old', who('ada')))).toBe('409 not_live');
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
