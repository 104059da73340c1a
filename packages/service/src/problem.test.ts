import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { PROBLEM_OPTIONS, ProblemError, registerProblems } from './problem.ts';

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

test('so is what no route sees: a path that is no UTF-8, and one with a part that is too long', async () => {
  const app = Fastify(PROBLEM_OPTIONS);
  registerProblems(app);
  app.get<{ Params: { id: string } }>('/x/:id', ({ params }) => ({ id: params.id }));
  const ask = async (id: string) => {
    const { statusCode, headers, body } = await app.inject(`/x/${id}`);
    return { statusCode, contentType: headers['content-type'], ...JSON.parse(body) };
  };
  const contentType = 'application/problem+json';
  for (const id of ['%zz', '%ff', '%'])
    expect(await ask(id)).toMatchObject({ statusCode: 400, contentType, code: 'bad_url' });
  expect(await ask('a'.repeat(300))).toMatchObject({ statusCode: 414, contentType, code: 'max_param_length' });
  expect(await ask('a'.repeat(128))).toMatchObject({ statusCode: 200, id: 'a'.repeat(128) });
  await app.close();
});
