/** Bounds how deeply the JSON of a request is nested. */
import { ProblemError } from '@tandem/service';
import type { FastifyRequest } from 'fastify';
import { MAX_DEPTH } from '../../wire/frame-scanner.ts';

/**
 * As deep as a frame of a client may be. Without a bound 16 KB of brackets overflow the stack of whatever writes them as JSON again: here, or in
 * the program of a receiver.
 * @throws ProblemError 400
 */
export async function refuseDeepBody({ body }: Pick<FastifyRequest, 'body'>): Promise<void> {
  let level = [body];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH)
      throw new ProblemError(400, 'too_deep', `The body is nested deeper than ${MAX_DEPTH} levels.`, { field: '/' });
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
}
