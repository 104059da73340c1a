import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { ProblemError, registerProblems } from './problem.ts';

test('every error is a problem that names the field and leaks nothing', async () => {
  const app = Fastify({ bodyLimit: 100 });
  registerProblems(app);
  app.post(
    '/x',
    { schema: { body: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } } } },
    () => ({}),
  );
  app.get('/refused', () => {
    throw new ProblemError(429, 'rate_limited', 'Wait.', { retryAfter: 3 });
  });
  app.get('/broken', () => {
    throw new Error('password=hunter2');
  });
  const post = (payload: string, type = 'application/json') =>
    app.inject({ method: 'POST', url: '/x', payload, headers: { 'content-type': type } });
  const answers = await Promise.all([
    post('{}'),
    post('{"a":{}}'),
    post('{"a":"hunter2'),
    post(JSON.stringify({ a: 'x'.repeat(200) })),
    post('a', 'text/csv'),
    app.inject('/refused'),
    app.inject('/broken'),
    app.inject('/nowhere'),
  ]);
  expect(answers.map((a) => [a.statusCode, a.json().code, a.json().field])).toEqual([
    [400, 'invalid_field', '/a'],
    [400, 'invalid_field', '/a'],
    [400, expect.any(String), undefined],
    [413, 'body_too_large', undefined],
    [415, 'invalid_media_type', undefined],
    [429, 'rate_limited', undefined],
    [500, 'internal', undefined],
    [404, 'not_found', undefined],
  ]);
  for (const answer of answers) {
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.body).not.toContain('hunter2');
    expect(answer.json()).toMatchObject({
      status: answer.statusCode,
      type: `urn:tandem:problem:${answer.json().code}`,
    });
  }
  expect(answers[5]?.headers['retry-after']).toBe('3');
  await app.close();
});
