/** W3C trace context (https://www.w3.org/TR/trace-context/), the part that travels in messages and headers. */
import { randomBytes } from 'node:crypto';

export interface TraceContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits: the sender's span. */
  readonly spanId: string;
  /** The sender records this trace and asks others to. */
  readonly sampled: boolean;
}

const FORM = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** Read a `traceparent`. Anything malformed, all-zero or of version ff is undefined: it comes from strangers. */
export function parseTraceparent(value: unknown): TraceContext | undefined {
  if (typeof value !== 'string' || value.length < 55 || value.length > 128) return undefined;
  const match = FORM.exec(value);
  if (!match || value.startsWith('ff')) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = match;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}`;
}

/** A new root, e.g. for a test client. */
export function newTraceContext(sampled = true): TraceContext {
  return { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex'), sampled };
}
