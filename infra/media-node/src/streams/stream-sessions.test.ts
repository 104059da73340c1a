/** How many sessions one login has of a node. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { MOST_OF_ONE, type StreamConnection, type StreamOwner, StreamSessions } from './stream-sessions.ts';

const login = (session_id: string): StreamOwner => ({
  ...{ sub: 'guest-1', session_id, jti: session_id, iat: 1, exp: Date.now() / 1000 + 600 },
});
const connection: StreamConnection = { credentials: { ufrag: '', pwd: '' }, candidate: () => {}, end: () => {} };
const opened = async () => ({ connection, answer: 'v=0' });

test('one login, however often it asks at once, leaves a node to others', async () => {
  const sessions = new StreamSessions({ node: 'm1', most: 2 * MOST_OF_ONE });
  const open = (session_id: string) => sessions.open('room', login(session_id), opened);
  const asked = await Promise.allSettled(Array.from({ length: 2 * MOST_OF_ONE }, () => open('mallory')));
  const refused = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  expect(refused).toEqual(Array(MOST_OF_ONE).fill('too_many_sessions'));
  const ada = await open('ada');
  expect(sessions.size).toBe(MOST_OF_ONE + 1);
  // What ended, or did not come about, counts no more.
  sessions.endThoseOf(({ session_id }) => session_id === 'mallory', 'revoked');
  const failing = () => sessions.open('room', login('mallory'), () => Promise.reject(new Error('no engine')));
  for (let n = 0; n < 2 * MOST_OF_ONE; n++) await expect(failing()).rejects.toThrow('no engine');
  await open('mallory');
  expect(() => sessions.end(ada.id, 'room', login('mallory'))).toThrow('another token');
  sessions.endAll('over');
});

test('a session that is being opened when the node ends does so as soon as it is open, and no other one is opened', async () => {
  const sessions = new StreamSessions({ node: 'm1', most: 2 });
  const isOpen = Promise.withResolvers<void>();
  const ended: string[] = [];
  const slow = async () => {
    await isOpen.promise;
    return { connection: { ...connection, end: (why: string) => ended.push(why) }, answer: 'v=0' };
  };
  const asked = sessions.open('room', login('ada'), slow);
  sessions.endAll('node ended');
  isOpen.resolve();
  await expect(asked).rejects.toMatchObject({ status: 503 });
  expect([ended, sessions.size]).toEqual([['node ended'], 0]);
  await expect(sessions.open('room', login('ada'), opened)).rejects.toMatchObject({ status: 503 });
});

test('W-8 a session ends with its token, and with the latest one of its login that it was asked with', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const sessions = new StreamSessions({ node: 'm1', most: 2 });
  const until = (seconds: number, session_id = 'ada') => ({ ...login(session_id), exp: Date.now() / 1000 + seconds });
  const ended: string[] = [];
  const open = (name: string) => async () => ({
    connection: { ...connection, end: () => void ended.push(name) },
    answer: 'v=0',
  });
  const kept = await sessions.open('room', until(60), open('kept'));
  await sessions.open('room', until(60), open('left'));
  vi.advanceTimersByTime(30_000);
  sessions.check(kept.id, 'room', until(60));
  // Neither an older one of its own, nor that of somebody else.
  sessions.check(kept.id, 'room', until(10));
  expect(() => sessions.check(kept.id, 'room', until(600, 'mallory'))).toThrow('another token');
  vi.advanceTimersByTime(30_000);
  expect(ended).toEqual(['left']);
  vi.advanceTimersByTime(30_000);
  expect(ended).toEqual(['left', 'kept']);
});
