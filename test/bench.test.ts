/** The benchmarks run and print what they promise; what they measure is not this test's business. */
import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { says } from '../bench/lib/says.ts';
import { quantile, table } from '../bench/lib/stats.ts';

const run = async (...args: string[]) =>
  (await promisify(execFile)(process.execPath, ['bench/run.ts', ...args], { timeout: 200_000 })).stdout;

test('without a name it lists every benchmark', async () => {
  const names = [...(await run()).matchAll(/^ {2}(\S+) +\S/gm)].map((m) => m[1]);
  expect(names).toEqual(expect.arrayContaining(['connect', 'joins', 'memory', 'nodes', 'relay', 'rooms', 'size']));
});

test('what opens the page measures the page of now: it is built first', () => {
  const bench = join(import.meta.dirname, '../bench');
  const opening = readdirSync(bench).filter((file) => {
    const text = file.endsWith('.ts') ? readFileSync(join(bench, file), 'utf8') : '';
    return /pwa\/harness|client\/out|live-viewer/.test(text) && !text.includes('export const opensPage = true;');
  });
  expect(opening).toEqual([]);
});

test('an unknown name fails and says so', async () => {
  await expect(run('nonsense')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no benchmark nonsense'),
  });
});

test('relay: every system relays with the right sender and type, loses nothing, and gets its row', async () => {
  const tiny = ['--connections', '4', '--rounds', '1', '--slice-ms', '40', '--warm-up', '50', '--rate', '100'];
  const out = await run('relay', ...tiny);
  // 8 in flight, 1 in flight, latency.
  for (const name of ['bare ws, JSON', 'Tandem signaling', 'PeerJS server', 'socket.io'])
    expect(out.match(new RegExp(`^${name} +\\d+\\.\\d\\d `, 'gm')), `${name} in\n${out}`).toHaveLength(3);
});

test('nodes: the same across two nodes and a real Redis', async () => {
  const tiny = [
    '--connections',
    '4',
    '--rounds',
    '1',
    '--slice-ms',
    '40',
    '--warm-up',
    '50',
    '--nodes',
    '2',
    '--in-flight',
    '2',
  ];
  const out = await run('nodes', ...tiny, '--only', 'tandem');
  expect(out).toMatch(/^Tandem signaling +\d+\.\d\d /m);
});

test.each([
  ['joins', '--peers', '20', '--only', 'tandem,peerjs,socketio'],
  ['memory', '--connections', '20', '--settle-ms', '100'],
])('%s: every system takes its peers in and gets its row', async (name, ...tiny) => {
  const out = await run(name, ...tiny);
  for (const system of ['Tandem signaling', 'PeerJS server', 'socket.io'])
    expect(out, `${system} in\n${out}`).toMatch(new RegExp(`^${system} +-?\\d+\\.\\d\\d `, 'm'));
});

test('events: each join comes to the receiver, and rooms-list: each room comes once', async () => {
  const events = await run('events', '--peers', '0', '--warm-up', '20', '--rates', '20', '--seconds', '1');
  expect(events).toMatch(/^20 +\d+ +\d+ +\d+ +\d+ /m);
  const rooms = await run('rooms-list', '--rooms', '300', '--limit', '100', '--seconds', '1', '--rate', '100');
  expect(rooms).toMatch(/^all rooms, 100 a page +4 +\d/m);
  expect(rooms).toMatch(/^a call beside 100 messages\/s +\d+ +\d/m);
});

test('figures: quantiles and tables', () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([1, 2, 3, 4], 0.99)).toBe(4);
  expect(quantile([], 0.5)).toBeNaN();
  expect(
    table([
      ['a', '1'],
      ['bb', '22'],
    ]),
  ).toBe('a     1\nbb   22');
});

test('a child that dies before it is ready is told at once, with its last words, and one that is ready in time is not waited for', async () => {
  const child = (code: string) => spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
  const dying = child('console.log("on its way"); console.error("no engine here"); process.exitCode = 3');
  await expect(says(dying, 'node m1', 'ready')).rejects.toThrow(/node m1 ended \(3\)[\s\S]*no engine here/);
  // In two pieces.
  await says(child('process.stdout.write("rea"); setTimeout(() => console.log("dy"), 50)'), 'node m2', 'ready');
});
