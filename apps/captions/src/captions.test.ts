/** The captions service between a page and a recognizer. */
import { CAPTIONS_CLOSE } from '@tandem/protocol/captions';
import { createLogger } from '@tandem/service';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTestKeys, type TestKeys } from '../../signaling/src/testing.ts';
import type { TestCaptionsOptions } from './testing.ts';
import { BLOCK, type Caller, call, metric, open, startWorld } from './testing-page.ts';

let keys: TestKeys;
beforeAll(async () => {
  keys = await startTestKeys();
});
afterAll(() => keys?.[Symbol.asyncDispose]());
const world = (options?: Partial<TestCaptionsOptions>) => startWorld(keys, options);

test('sound goes to the recognizer of the language, its words come back once each, and its end is told', async () => {
  const where = await world();
  const { recognizer } = where;
  const answers = ['{"partial" : ""}', '{"partial" : "good"}', '{"partial" : "good"}', '{"text" : "good morning"}'];
  recognizer.answer = () => answers.shift();
  const page = await open(where);
  for (let i = 0; i < 4; i++) page.socket.send(BLOCK);
  await vi.waitFor(() => expect(page.heard).toEqual([{ partial: 'good' }, { text: 'good morning' }]));
  expect(recognizer.heardBytes).toBe(4 * BLOCK.length);
  // Said twice is said twice, also by a recognizer that has no partial results.
  recognizer.answer = () => '{"text" : "no"}';
  for (let i = 0; i < 2; i++) page.socket.send(BLOCK);
  await vi.waitFor(() => expect(page.heard.slice(2)).toEqual([{ text: 'no' }, { text: 'no' }]));
  page.socket.close(1000);
  await vi.waitFor(() => expect(recognizer.sockets.size).toBe(0));
  expect(recognizer.told).toEqual(['{"config":{"sample_rate":16000}}', '{"eof" : 1}']);
  await vi.waitFor(async () => expect(await metric(where, 'tandem_captions_speakers')).toBe(0));
});

test('who may not speak, or speaks what is not recognized here, learns why', async () => {
  const where = await world({ config: { ALLOWED_ORIGINS: 'https://calls.example.org' } });
  const now = Math.floor(Date.now() / 1000);
  const endOf = async (caller: Caller) => (await call(where, caller)).ended;
  expect(await endOf({ token: 'x.y.z' })).toBe(CAPTIONS_CLOSE.tokenRefused);
  expect(await endOf({ claims: { exp: now - 300, iat: now - 600 } })).toBe(CAPTIONS_CLOSE.tokenExpired);
  expect(await endOf({ claims: { aud: 'tandem-api' } })).toBe(CAPTIONS_CLOSE.tokenRefused);
  expect(await endOf({ grants: { publish: false } })).toBe(CAPTIONS_CLOSE.tokenRefused);
  expect(await endOf({ grants: { media: true } })).toBe(CAPTIONS_CLOSE.tokenRefused);
  for (const lang of ['de', '', '__proto__']) expect(await endOf({ lang })).toBe(CAPTIONS_CLOSE.language);
  expect(await endOf({ origin: 'https://evil.example' })).toBe(-403);
  // A draft, in which the origin has another header.
  expect(await endOf({ origin: 'https://evil.example', version: 8 })).toBe(-426);
  expect(await endOf({ path: '/captions/x' })).toBe(-404);
  // A token in an address would stand in logs: there it is none.
  const token = await keys.token('ada');
  expect(await endOf({ token: '', path: `/captions?lang=en&token=${token}` })).toBe(CAPTIONS_CLOSE.tokenRefused);
  expect(where.recognizer.sockets.size).toBe(0);
});

test('limits of microphones: of a user, of a login session of guests, of an address and of the task; places come back', async () => {
  const where = await world({ config: { SPEAKERS_PER_USER: 1, SPEAKERS_PER_ADDRESS: 3, MAX_SPEAKERS: 4 } });
  const first = await open(where);
  expect(await (await call(where)).ended).toBe(CAPTIONS_CLOSE.tryLater);
  const guest = { sub: 'ada', guest: true, session_id: 'one' };
  await open(where, { claims: guest });
  expect(await (await call(where, { claims: guest })).ended).toBe(CAPTIONS_CLOSE.tryLater);
  await open(where, { claims: { ...guest, session_id: 'two' } });
  expect(await (await call(where, { claims: { sub: 'bob' } })).ended).toBe(CAPTIONS_CLOSE.tryLater);
  first.socket.close();
  await first.ended;
  await vi.waitFor(async () => expect(await metric(where, 'tandem_captions_speakers')).toBe(2));
  await open(where);

  const small = await world({ config: { MAX_SPEAKERS: 1 } });
  await open(small);
  const late = await call(small, { claims: { sub: 'bob' } });
  expect(await late.ended).toBe(-503);
  expect(Number(late.retryAfter())).toBeGreaterThanOrEqual(1);
});

test('a recognizer that is away, dies, or answers without end: the page learns it, and health and log as well, without a word of what was said', async () => {
  const lines: string[] = [];
  const log = createLogger('captions', 'trace', { write: (line) => void lines.push(line) });
  const where = await world({ log });
  const { recognizer, captions } = where;
  const health = async () => {
    const response = await fetch(`${captions.url}/health/ready`);
    return ((await response.json()) as { dependencies: { recognizers: object } }).dependencies.recognizers;
  };
  recognizer.answer = () => '{"text" : "a secret"}';
  const first = await open(where);
  first.socket.send(BLOCK);
  await vi.waitFor(() => expect(first.heard).toEqual([{ text: 'a secret' }]));
  recognizer.answer = () => JSON.stringify({ text: 'x'.repeat(200_000) });
  first.socket.send(BLOCK);
  expect(await first.ended).toBe(CAPTIONS_CLOSE.recognizer);
  expect(await health()).toMatchObject({ state: 'degraded', detail: 'away: en' });

  const second = await open(where);
  await vi.waitFor(() => expect(recognizer.sockets.size).toBe(1));
  await vi.waitFor(async () => expect(await health()).toMatchObject({ state: 'up' }));
  await recognizer[Symbol.asyncDispose]();
  expect(await second.ended).toBe(CAPTIONS_CLOSE.recognizer);
  expect(await (await open(where)).ended).toBe(CAPTIONS_CLOSE.recognizer);
  expect(await metric(where, 'tandem_captions_recognizers_away')).toBe(1);
  const events = lines.map((line) => JSON.parse(line).event).filter(Boolean);
  // Once a change, not once a page.
  expect(events).toEqual(['captions.up', 'recognizer.away', 'recognizer.back', 'recognizer.away']);
  expect(lines.join('')).not.toMatch(/secret|bearer|eyJ/);
});

test('a token that runs out ends it, and so does a drain', async () => {
  const where = await world();
  const now = Math.floor(Date.now() / 1000);
  const page = await open(where, { claims: { exp: now + 1 } });
  expect(await page.ended).toBe(CAPTIONS_CLOSE.tokenExpired);
  const other = await open(where);
  await Promise.all([
    where.captions[Symbol.asyncDispose](),
    expect(other.ended).resolves.toBe(CAPTIONS_CLOSE.goingAway),
  ]);
});

test('a path that is none is answered by a problem', async () => {
  const { captions } = await world();
  const { status, headers } = await fetch(`${captions.url}/%ff`);
  expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json']);
});
