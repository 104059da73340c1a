/** Events in FIFO queues: a server that speaks SQS, and the SDK of AWS on both sides. */
import { readOutboxEntry } from '@tandem/service/room-events';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { foldEntry } from '../events/room-fold.ts';
import { isQueueUrl } from '../queue-urls.ts';
import { startQueue } from '../testing-queue.ts';
import { EventQueues, groupOf } from './event-queues.ts';
import { TRY_MS } from './send.ts';

const LIMITS = { headers: {}, timeoutMs: TRY_MS };

beforeEach(() => () => void vi.unstubAllEnvs());

async function start() {
  const queue = await startQueue();
  onTestFinished(() => queue[Symbol.asyncDispose]());
  for (const [name, value] of Object.entries(queue.env)) vi.stubEnv(name, value);
  return queue;
}

test('E-11 a room is a group, in its order; a repeated event is one message; headers are attributes', async () => {
  const { url, receive } = await start();
  using queues = new EventQueues(` ${url},`, true);
  const rooms = ['appt-42', 'praxis-診察', ''];
  for (let i = 0; i < 6; i++) {
    const event = { id: `evt_${i}`, room: rooms[i % 3] ?? '', body: `{"n":${i}}` };
    const tries = i === 3 ? 3 : 1;
    for (let n = 0; n < tries; n++)
      expect(await queues.send(url, event, { ...LIMITS, headers: { 'webhook-id': event.id } })).toEqual({
        kind: 'accepted',
        status: 200,
      });
  }
  // Behind the repeated one: it would have come before.
  await queues.send(
    url,
    { id: 'evt_last', room: 'appt-42', body: '{}' },
    { ...LIMITS, headers: { 'webhook-id': 'evt_last' } },
  );
  const got = await receive(7);
  const of = (group: string) => got.filter((one) => one.group === group).map(({ id }) => id);
  expect(of('appt-42')).toEqual(['evt_0', 'evt_3', 'evt_last']);
  expect(of(groupOf('praxis-診察'))).toEqual(['evt_1', 'evt_4']);
  expect(of('#')).toEqual(['evt_2', 'evt_5']);
  expect(got.find(({ id }) => id === 'evt_4')).toMatchObject({ body: '{"n":4}', headers: { 'webhook-id': 'evt_4' } });
});

test('E-11 a user whose id has characters that SQS takes in no message holds up no room', async () => {
  const { url, receive } = await start();
  using queues = new EventQueues(url, true);
  const userId = 'a\uffffb\ufffec';
  const { events } = foldEntry(undefined, readOutboxEntry(`10 10 1 r\n1 joined p ${JSON.stringify(userId)}`), 0);
  for (const event of events) expect(await queues.send(url, event, LIMITS)).toMatchObject({ kind: 'accepted' });
  const got = await receive(2);
  expect(got.map(({ body }) => JSON.parse(body).data.userId)).toEqual([undefined, userId]);
});

test('E-11 what fails is said in a word: a queue that is gone, one that the operator did not name, a server that is away', async () => {
  const queue = await start();
  const { url } = queue;
  using queues = new EventQueues(url, true);
  const event = { id: 'evt_1', room: 'room', body: '{}' };
  expect(await queues.send(`${url}x`, event, LIMITS)).toEqual({ kind: 'failed', why: 'queue_refused' });
  queue.remove();
  expect(await queues.send(url, event, LIMITS)).toEqual({ kind: 'failed', why: 'queue_does_not_exist' });
  await queue[Symbol.asyncDispose]();
  expect(await queues.send(url, event, LIMITS)).toMatchObject({ kind: 'failed' });
});

test('EVENT_QUEUES names FIFO queues of AWS; in development those of any server', () => {
  const aws = 'https://sqs.eu-central-1.amazonaws.com/123456789012/tandem.fifo';
  const china = 'https://sqs.cn-north-1.amazonaws.com.cn/123456789012/tandem.fifo';
  using queues = new EventQueues(`${aws}, ${china}`, false);
  expect([aws, china, `${aws}x`].map((url) => queues.has(url))).toEqual([true, true, false]);
  const refused = [
    'https://sqs.eu-central-1.amazonaws.com/123456789012/tandem',
    'http://sqs.eu-central-1.amazonaws.com/123456789012/tandem.fifo',
    'https://sqs.eu-central-1.amazonaws.com.evil.example/123456789012/tandem.fifo',
    'https://sqs.eu-central-1.amazonaws.com/tandem.fifo',
    'http://127.0.0.1:9324/000000000000/tandem.fifo',
    'arn:aws:sqs:eu-central-1:123456789012:tandem.fifo',
  ];
  for (const url of refused) expect(() => new EventQueues(url, false), url).toThrow(/^EVENT_QUEUES: .*Fix: /);
  new EventQueues('http://127.0.0.1:9324/000000000000/tandem.fifo', true)[Symbol.dispose]();
  expect(isQueueUrl(refused[0] ?? '')).toBe(true);
  expect(isQueueUrl('https://backend.example.org/tandem')).toBe(false);
});

test('a group’s name is what SQS takes: 1 to 128 of letters, digits and punctuation', () => {
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
  for (const room of ['appt-42', 'a'.repeat(128), 'größe', 'ビデオ'.repeat(10), ''])
    expect(groupOf(room)).toMatch(/^[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]{1,128}$/);
  expect(groupOf('größe')).not.toBe(groupOf('grösse'));
});
