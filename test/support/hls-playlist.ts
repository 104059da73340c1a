/** What a low-latency playlist must be, read by a player that others wrote. */
import { setTimeout as sleep } from 'node:timers/promises';
import { M3U8Parser, PlaylistLevelType } from 'hls.js';
import { expect } from 'vitest';

/** As hls.js, a player that others wrote, reads a playlist. @see https://datatracker.ietf.org/doc/draft-pantos-hls-rfc8216bis/ */
const parse = (text: string, url: string) =>
  M3U8Parser.parseLevelPlaylist(text, url, 0, PlaylistLevelType.MAIN, 0, null);

export async function expectLowLatency(origin: string, room: string, token: string): Promise<void> {
  const now = parse(await readPlaylist(origin, room, token), `${origin}/whep/${room}/hls/live.m3u8`);
  expect(now.playlistParsingError).toBeNull();
  expect(now).toMatchObject({ canBlockReload: true, partTarget: 0.5, partHoldBack: 1.5, targetduration: 1 });
  const parts = now.partList ?? [];
  for (const { duration } of parts) expect(duration).toBeLessThanOrEqual(now.partTarget);
  // Each segment is its parts.
  const of = (sequence: number) => parts.filter((part) => part.fragment.sn === sequence);
  const whole = now.fragments.filter(({ sn }) => of(Number(sn)).length > 0);
  expect(whole.length).toBeGreaterThan(0);
  for (const { sn, duration } of whole)
    expect(of(Number(sn)).reduce((sum, part) => sum + part.duration, 0)).toBeCloseTo(duration, 3);
  // The next part: held until it is there, as is the playlist that names it.
  const hint = new URL(now.preloadHint?.URI ?? '', `${origin}/whep/${room}/hls/`);
  const [, sequence, part] = /(\d+)\.(\d+)\.m4s$/.exec(hint.pathname) ?? [];
  const [next, bytes] = await Promise.all([
    readPlaylist(origin, room, token, `?_HLS_msn=${sequence}&_HLS_part=${part}`),
    patiently(hint).then(async (answer) => [
      answer.status,
      answer.headers.get('cache-control'),
      (await answer.arrayBuffer()).byteLength > 0,
    ]),
  ]);
  expect(next).toContain(`URI="${hint.pathname.replace(/^.*\/hls\//, '')}"`);
  expect(bytes).toEqual([200, 'public, max-age=60, immutable', true]);
  const odd = [
    '_HLS_part=0',
    '_HLS_msn=x',
    '_HLS_msn=1&_HLS_part=-1',
    '_HLS_msn=1&_HLS_msn=2',
    `_HLS_msn=${Number(sequence) + 9}`,
  ];
  for (const query of odd)
    expect(await readPlaylist(origin, room, token, `?${query}`).catch(String), query).toMatch(/400/);
}

/** Most times that something is asked for again, as hls.js does: a machine under load has the next part later than a server holds the request. */
const AGAIN = 5;

async function patiently(url: string | URL, headers = {}): Promise<Response> {
  for (let again = 0; ; again++) {
    const response = await fetch(url, { headers });
    if (![404, 503].includes(response.status) || again === AGAIN) return response;
    await sleep(1000);
  }
}

/** @throws Error with the status when it is refused */
export async function readPlaylist(origin: string, room: string, token: string, query = ''): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await patiently(`${origin}/whep/${room}/hls/live.m3u8${query}`, headers);
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  expect(response.headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
  expect(response.headers.get('cache-control')).toBe('no-cache');
  return await response.text();
}
