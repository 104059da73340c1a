import { expect, test } from 'vitest';
import { createLogger, logUrl, SECRET_FIELDS } from './log.ts';

function capture() {
  const lines: string[] = [];
  return { lines, log: createLogger('t', 'trace', { write: (line) => void lines.push(line) }) };
}

test('no secret field reaches a line, at the first three depths', () => {
  const { lines, log } = capture();
  for (const field of SECRET_FIELDS) {
    log.info({ event: 'x', [field]: 'S3CRET' }, 'one');
    log.info({ event: 'x', a: { [field]: 'S3CRET' } }, 'two');
    log.info({ event: 'x', a: { b: { [field]: 'S3CRET' } } }, 'three');
  }
  expect(lines).toHaveLength(3 * SECRET_FIELDS.length);
  expect(lines.join()).not.toContain('S3CRET');
  expect(lines.every((l) => l.includes('[removed]'))).toBe(true);
  // The rest is untouched.
  log.info({ event: 'y', room: 'r1' }, 'plain');
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ event: 'y', room: 'r1', msg: 'plain', name: 't' });
});

test('secrets of child loggers are removed too', () => {
  const { lines, log } = capture();
  log.child({ token: 'S3CRET' }).warn({ user: { password: 'S3CRET' } }, 'hm');
  expect(lines.join()).not.toContain('S3CRET');
});

test('query strings are cut from logged URLs', () => {
  expect(logUrl('/ws/signal?token=S3CRET')).toBe('/ws/signal?…');
  const { lines, log } = capture();
  log.info({ req: { method: 'GET', url: '/ws?access_token=S3CRET', id: '1' } }, 'request');
  expect(lines.join()).not.toContain('S3CRET');
});

test('an error is logged without what it carries along, and with what says why', () => {
  const { lines, log } = capture();
  const url = (() => {
    try {
      return new URL('redis://:S3CRET@host:no-port');
    } catch (error) {
      return error;
    }
  })();
  const refused = Object.assign(new Error('refused', { cause: new Error('the cause') }), {
    code: 'ECONNREFUSED',
    request: { headers: { 'x-api-key': 'S3CRET' } },
    body: 'S3CRET',
  });
  const last = Object.assign(new Error('last'), { command: { name: 'auth', args: ['S3CRET'] } });
  for (const err of [
    url,
    new AggregateError([refused, Object.assign(new Error('all'), { lastNodeError: last })], 'both'),
  ])
    log.error({ err }, 'failed');
  expect(lines.join()).not.toContain('S3CRET');
  expect(JSON.parse(lines[0] ?? '').err).toMatchObject({ type: 'TypeError', code: 'ERR_INVALID_URL' });
  expect(JSON.parse(lines[1] ?? '').err).toMatchObject({
    message: 'both',
    aggregateErrors: [
      { message: 'refused: the cause', code: 'ECONNREFUSED' },
      { lastNodeError: { message: 'last', command: 'auth' } },
    ],
  });
});

test('a level that is none does not end the process before its settings are checked', () => {
  const lines: string[] = [];
  createLogger('t', 'verbose', { write: (line) => void lines.push(line) }).info('said');
  createLogger('t', 'silent', { write: (line) => void lines.push(line) }).fatal('not said');
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['said']);
});
