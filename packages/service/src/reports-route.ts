/** `POST /reports`: call reports of browsers, checked, bounded, counted, forgotten. */
import type { IncomingMessage } from 'node:http';
import { CallReport, MAX_REPORT_BYTES } from '@tandem/protocol';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Compile } from 'typebox/compile';
import { CallKpis } from './call-kpis.ts';
import type { Metrics } from './metrics.ts';
import { ipKey } from './rate-limit.ts';

export interface ReportsOptions {
  readonly metrics: Metrics;
  /** Reports a second that one address (of IPv6: one /64) may send on average. Default 1. */
  readonly perSecond?: number;
  /** … and at once. Default 20 (a house full of people behind one address hangs up together). */
  readonly burst?: number;
  /** Reports a second in all. Default 200. */
  readonly totalPerSecond?: number;
  /** Address of the client. Default: Fastify's `request.ip`. */
  readonly address?: (request: IncomingMessage) => string;
}

const check = Compile(CallReport);

/** Registers the route. Answers 204; 400 names the field; 413 and 415 come from Fastify; 429 has Retry-After. */
export async function registerReports(app: FastifyInstance, options: ReportsOptions): Promise<void> {
  const kpis = new CallKpis(options.metrics);
  const outcome = options.metrics.counter('tandem_reports_total', 'Call reports received.', ['outcome']);
  for (const one of ['accepted', 'refused', 'limited']) outcome.inc({ outcome: one }, 0);
  const perSecond = options.perSecond ?? 1;
  const burst = options.burst ?? 20;
  const buckets = new BucketMap(perSecond, burst);
  const total = new BucketMap(options.totalPerSecond ?? 200, options.totalPerSecond ?? 200);

  await app.register((scope, _options, registered) => {
    // sendBeacon sends text/plain unless the page pays for a CORS preflight; both carry JSON here.
    scope.addContentTypeParser(
      ['application/json', 'text/plain'],
      { parseAs: 'string', bodyLimit: MAX_REPORT_BYTES },
      (_request, body, done) => {
        try {
          done(null, JSON.parse(String(body)));
        } catch {
          done(Object.assign(new Error('The body is not JSON.'), { statusCode: 400 }), undefined);
        }
      },
    );
    scope.post('/reports', { bodyLimit: MAX_REPORT_BYTES, logLevel: 'warn' }, (request, reply) => {
      const address = ipKey(options.address?.(request.raw) ?? request.ip);
      if (!total.take('') || !buckets.take(address)) {
        outcome.inc({ outcome: 'limited' });
        return problem(reply.header('retry-after', '10'), 429, 'Too many reports; retry later.');
      }
      const body: unknown = request.body;
      if (!check.Check(body)) {
        outcome.inc({ outcome: 'refused' });
        const [first] = check.Errors(body);
        return problem(reply, 400, `${first?.instancePath || '/'}: ${first?.message ?? 'wrong shape'}`);
      }
      kpis.add(body);
      outcome.inc({ outcome: 'accepted' });
      return reply.code(204).send();
    });
    registered();
  });
}

/** RFC 9457. */
function problem(reply: FastifyReply, status: number, detail: string) {
  return reply
    .code(status)
    .type('application/problem+json')
    .send({ type: 'about:blank', title: status === 429 ? 'Too Many Requests' : 'Bad Request', status, detail });
}

/** Token buckets by key, forgotten when full again; at most 10,000 keys, then the oldest goes. */
class BucketMap {
  readonly #rate: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  constructor(rate: number, burst: number) {
    this.#rate = rate;
    this.#burst = burst;
  }
  take(key: string): boolean {
    const now = performance.now() / 1000;
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.at) * this.#rate);
    bucket.at = now;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > 10_000) {
      const oldest = this.#buckets.keys().next().value;
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
