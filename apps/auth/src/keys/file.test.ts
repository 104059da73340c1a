import { chmodSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileSource, rotateFile } from './file.ts';
import type { Timetable } from './key-document.ts';

const timetable: Timetable = {
  algorithm: 'EdDSA',
  rotateEveryMs: 1_000_000,
  publishAheadMs: 1000,
  retireAfterMs: 2000,
};
const folder = () => mkdtempSync(join(tmpdir(), 'tandem-keys-'));

test('is made on the first start, for its owner only, once for all processes that start together', async () => {
  const dir = folder();
  const path = join(dir, 'deep', 'keys.json');
  const sets = await Promise.all(Array.from({ length: 8 }, () => fileSource(path, timetable, true).load(Date.now())));
  expect(new Set(sets.map((s) => s.signing.kid)).size).toBe(1);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(dir, 'deep'))).toEqual(['keys.json']);
});

test('rotates once, however many processes find it due', async () => {
  const path = join(folder(), 'keys.json');
  const sources = Array.from({ length: 4 }, () => fileSource(path, timetable, true));
  const first = await sources[0]?.load(0);
  const sets = await Promise.all(sources.map((s) => s.load(999_500)));
  expect(JSON.parse(readFileSync(path, 'utf8')).keys).toHaveLength(2);
  expect(new Set(sets.map((s) => s.signing.kid))).toEqual(new Set([first?.signing.kid]));
  const later = await Promise.all(sources.map((s) => s.load(1_000_500)));
  expect(new Set(later.map((s) => s.signing.kid)).size).toBe(1);
  expect(later[0]?.signing.kid).not.toBe(first?.signing.kid);
  await rotateFile(path, timetable, 1_000_600);
  expect(JSON.parse(readFileSync(path, 'utf8')).keys).toHaveLength(3);
});

test('a rotation beyond what a document may hold is refused and writes nothing; auth starts', async () => {
  const path = join(folder(), 'keys.json');
  const { signing } = await fileSource(path, timetable, true).load(0);
  for (let i = 1; i < 16; i++) await rotateFile(path, timetable, 100);
  await expect(rotateFile(path, timetable, 100)).rejects.toThrow(/16 keys are in use.*Fix: rotate again/);
  expect((await fileSource(path, timetable, false).load(100)).signing.kid).toBe(signing.kid);
  // Of all those one is left.
  await rotateFile(path, timetable, 1e9);
  expect(JSON.parse(readFileSync(path, 'utf8')).keys).toHaveLength(2);
});

test('refuses a file that others may read, one that is no key document, and a missing one in production', async () => {
  const path = join(folder(), 'keys.json');
  await expect(fileSource(path, timetable, false).load(0)).rejects.toThrow(/does not exist; make it with/);
  await fileSource(path, timetable, true).load(0);
  chmodSync(path, 0o644);
  await expect(fileSource(path, timetable, true).load(0)).rejects.toThrow(`run: chmod 600 ${path}`);
  chmodSync(path, 0o600);
  writeFileSync(path, 'x');
  await expect(fileSource(path, timetable, true).load(0)).rejects.toThrow('does not hold JSON');
});
