/**
 * What our own benchmarks printed, so that the model rests on figures that anybody can measure again (bench/README.md). Put yours
 * here, with the command and the day, then `npm run capacity -- --write`.
 */
import type { Assumption } from './assumption.ts';

const machine = 'on 2 cores of an AMD EPYC, Node 24, Redis 7.0';
const measured = (value: number, unit: string, bench: string, day: string): Assumption => ({
  value,
  unit,
  source: `\`npm run bench -- ${bench}\` of ${day}, ${machine}`,
});

export const MEASURED = {
  messageCpu: measured(
    5.5,
    'µs of CPU a message between two nodes, both nodes and Redis together',
    'nodes --nodes 1,2,4 --only tandem --rounds 12 --warm-up 6000',
    '2026-11-25',
  ),
  joinCpu: measured(
    274,
    'µs of CPU a join, a Redis Cluster of three included: 3.43 times the reference of 86 µs',
    'joins',
    '2026-11-25',
  ),
  mediaCpu: measured(
    3,
    'ms of CPU of a media node’s engine a Mbit out, at 100 receivers; 2.6 to 3.5 in six runs with libsrtp on OpenSSL, 3.2 to 4.2 on NSS',
    'media',
    '2026-12-01',
  ),
  hlsPackager: measured(
    0.3,
    'cores of a media node that a room takes whose viewers past the limit get HLS',
    'hls',
    '2026-11-29',
  ),
  hlsPlaylists: measured(
    3000,
    'HLS playlists a second of a media node, each with a token of another login: 1,500 viewers that wait for theirs take 0.7 of a core, 216 µs each',
    'playlists',
    '2026-11-29',
  ),
  hlsMbps: measured(2.6, 'Mbit/s of HLS, picture and sound', 'hls', '2026-11-28'),
  mediaReceived: measured(
    2.22,
    'Mbit/s that one person of a room of 50 receives, 9 tiles, 2 speak',
    'media',
    '2026-11-27',
  ),
  idleMemory: measured(6.5, 'KiB of memory an idle connection', 'memory', '2026-11-25'),
} as const;
