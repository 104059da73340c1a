/** A request that belongs to another media node is passed on to it: a load balancer does not know which node has which room. */
import { ProblemError, type RedisClient, readAssignment, readMediaNodes } from '@tandem/service';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Says that a request was passed on: it is not passed on again. */
const HOP = 'x-tandem-hop';
/** Longer than a node takes to answer the slowest request. */
const ANSWER_MS = 20_000;
/** The address of the client goes with it: a node limits by client, not by the node between. */
const ASKED = ['authorization', 'content-type', 'if-match', 'x-forwarded-for'] as const;
const ANSWERED = [
  'content-type',
  'location',
  'etag',
  'link',
  'accept-patch',
  'cache-control',
  'retry-after',
  'www-authenticate',
] as const;

export interface ForwardTo {
  readonly redis: RedisClient;
  /** Id of the other node. */
  readonly node: string;
  /** Made of checked parts, and a query that was read, so that it cannot name another host. */
  readonly path: string;
}

/** The node that the room was given to, when that is not this one. @throws ProblemError 503 while Redis does not say */
export async function givenTo(redis: RedisClient, self: string, room: string): Promise<string | undefined> {
  const assignment = await readAssignment(redis, room).catch(() => {
    throw new ProblemError(503, 'unavailable', 'It is not known now which node has this room; try again.', {
      retryAfter: 1,
    });
  });
  return assignment?.node === self ? undefined : assignment?.node;
}

/** @throws ProblemError 503 when that node is not there, or the request was passed on before */
export async function forward(
  request: FastifyRequest,
  reply: FastifyReply,
  { redis, node, path }: ForwardTo,
): Promise<FastifyReply> {
  const away = () =>
    new ProblemError(503, 'node_away', 'The media node of this room does not answer; try again.', { retryAfter: 1 });
  if (request.headers[HOP] !== undefined) throw away();
  const nodes = await readMediaNodes(redis).catch(() => undefined);
  const address = nodes?.get(node)?.http;
  if (address === undefined) throw away();
  const headers = Object.fromEntries(
    ASKED.flatMap((name) => (request.headers[name] === undefined ? [] : [[name, request.headers[name]]])),
  );
  let answer: Response;
  let body: Buffer;
  try {
    answer = await fetch(new URL(path, address), {
      method: request.method,
      headers: { ...headers, [HOP]: '1' },
      ...(typeof request.body === 'string' ? { body: request.body } : {}),
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    body = Buffer.from(await answer.arrayBuffer());
  } catch {
    throw away();
  }
  for (const name of ANSWERED) {
    const value = answer.headers.get(name);
    if (value !== null) reply.header(name, value);
  }
  return reply.code(answer.status).send(body);
}
