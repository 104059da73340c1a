/** Errors over HTTP as RFC 9457 problem details: they name the field and the fix, never a secret. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { UnavailableError } from './unavailable-error.ts';

/** Shape of every error body (`application/problem+json`). */
export const ProblemDetails = Type.Object(
  {
    type: Type.String({ description: 'URN of this kind of problem: `urn:tandem:problem:<code>`.' }),
    title: Type.String({ description: 'The same for each problem of this kind.' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'What happened here, and the fix.' }),
    code: Type.String({ description: 'Short stable name, for programs.' }),
    instance: Type.Optional(Type.String({ description: 'Request id; the same id stands in the log.' })),
    field: Type.Optional(Type.String({ description: 'JSON pointer to the wrong field, or the name of the header.' })),
    retryAfter: Type.Optional(Type.Integer({ description: 'Seconds until a retry makes sense.' })),
  },
  { $id: 'ProblemDetails', description: 'RFC 9457 problem details.' },
);
export type ProblemDetails = Static<typeof ProblemDetails>;

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  401: 'Authentication is missing or was refused',
  403: 'That is not allowed',
  404: 'There is no such resource',
  405: 'That method is not served here',
  409: 'The request conflicts with the present state',
  412: 'The resource has changed meanwhile',
  413: 'The request is too large',
  414: 'The URL is too long',
  415: 'That media type is not accepted',
  422: 'The request cannot be carried out',
  428: 'A precondition is required',
  429: 'Too many requests',
  431: 'The headers are too large',
  500: 'The server failed',
  503: 'A dependency is away',
};

export interface ProblemOptions {
  /** JSON pointer of the field at fault (`/userId`), or the name of a header. */
  readonly field?: string;
  /** Seconds; also sent as the `Retry-After` header. */
  readonly retryAfter?: number;
  /** Value of `WWW-Authenticate`; RFC 9110 wants one on every 401. Default on a 401: `Bearer`. */
  readonly challenge?: string;
  readonly cause?: unknown;
}

/** Throw it from a route; {@link registerProblems} renders it. `message` becomes `detail`, so it must not hold a secret. */
export class ProblemError extends Error {
  override name = 'ProblemError';
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly retryAfter: number | undefined;
  readonly challenge: string | undefined;
  /**
   * @param status HTTP status, 400 to 599
   * @param code short stable name, such as `token_expired`
   * @param detail what happened and the fix, for people
   */
  constructor(status: number, code: string, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.code = code;
    this.field = options.field;
    this.retryAfter = options.retryAfter;
    this.challenge = options.challenge ?? (status === 401 ? 'Bearer' : undefined);
  }
}

/** Answer with a problem. Routes should throw {@link ProblemError} instead; hooks may need this. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: ProblemError): FastifyReply {
  if (problem.challenge) reply.header('www-authenticate', problem.challenge);
  if (problem.retryAfter !== undefined) reply.header('retry-after', String(problem.retryAfter));
  const body: ProblemDetails = {
    type: `urn:tandem:problem:${problem.code}`,
    title: TITLES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    instance: request.id,
    ...(problem.field === undefined ? {} : { field: problem.field }),
    ...(problem.retryAfter === undefined ? {} : { retryAfter: problem.retryAfter }),
  };
  // Past content negotiation and response schemas: an error must always get through.
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send(body);
}

/** The one translation of anything thrown into a {@link ProblemError}. Unknown errors become a 500 that tells nothing. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof UnavailableError)
    return new ProblemError(503, 'unavailable', `${error.dependency} is away; try again soon.`, {
      retryAfter: error.retryAfter,
      cause: error,
    });
  const e = error as FastifyError & { code?: string };
  const first = e?.validation?.[0];
  if (first) {
    const params = first.params as {
      missingProperty?: string;
      additionalProperty?: string;
      requiredProperties?: string[];
    };
    const name = params.missingProperty ?? params.requiredProperties?.[0] ?? params.additionalProperty;
    const field = `${first.instancePath}${name ? `/${name.replace(/~/g, '~0').replace(/\//g, '~1')}` : ''}`;
    const where = e.validationContext ?? 'body';
    const reason =
      name && !params.additionalProperty
        ? 'is missing'
        : params.additionalProperty
          ? 'is not known here'
          : first.message;
    return new ProblemError(400, 'invalid_field', `${where}${field} ${reason ?? 'is wrong'}`, { field: field || '/' });
  }
  const status = typeof e?.statusCode === 'number' && e.statusCode >= 400 ? e.statusCode : 500;
  if (status >= 500)
    return new ProblemError(500, 'internal', 'The server failed; the log has it under this instance id.', {
      cause: error,
    });
  const code = (e.code ?? 'bad_request').toLowerCase().replace(/^fst_err_(ctp_)?/, '');
  return new ProblemError(status, code, detailOf(status, code));
}

/** Parser messages can quote the body, and the body can hold a secret. */
function detailOf(status: number, code: string): string {
  if (status === 413) return 'The body is over the size limit.';
  if (status === 414) return 'A part of the path is too long.';
  if (status === 415) return 'Send application/json.';
  if (code === 'bad_url') return 'The path is not well-formed: `%` begins a byte of UTF-8.';
  return 'The request could not be read: send one JSON object with content-type application/json.';
}

/**
 * What Fastify is made with so that a path which no route sees is answered by a problem too, and reaches its route with an id of 128 characters:
 * the router takes 100.
 */
export const PROBLEM_OPTIONS = {
  frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
    void sendProblem(request, reply, toProblem(error)),
  routerOptions: { maxParamLength: 256 },
};

/** Renders everything thrown as problem details. Unknown paths are left to the caller, who may have a page for them. */
export function renderErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error);
    if (problem.status >= 500) request.log.error({ err: problem.cause ?? error, code: problem.code }, 'request failed');
    return sendProblem(request, reply, problem);
  });
}

/** Renders everything thrown, and every unknown path, as problem details. */
export function registerProblems(app: FastifyInstance): void {
  renderErrors(app);
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, new ProblemError(404, 'not_found', `Nothing is served at this method and path.`)),
  );
}
