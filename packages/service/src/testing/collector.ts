/** A small OTLP/HTTP JSON collector for tests and examples: keeps what it gets, and can stall as a sick one does. */
import { createServer, type ServerResponse } from 'node:http';

export interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: Record<string, unknown>;
  readonly service: string;
  readonly node: string;
}

export interface CollectedLog {
  readonly body: string;
  readonly traceId?: string;
  readonly attributes: Record<string, unknown>;
  readonly service: string;
}

/** Of a counter or gauge `asDouble`; of a histogram `count`, `sum` and, one more than `explicitBounds`, `bucketCounts`. */
export interface CollectedPoint {
  readonly attributes: Record<string, unknown>;
  readonly asDouble?: number;
  readonly count?: number;
  readonly sum?: number;
  readonly explicitBounds?: readonly number[];
  readonly bucketCounts?: readonly number[];
}

export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: CollectedSpan[];
  readonly logs: CollectedLog[];
  /** Latest data points by metric name. */
  readonly metrics: ReadonlyMap<string, readonly CollectedPoint[]>;
  /** From now on accept requests and never answer (true), or answer again (false). */
  stall(on: boolean): void;
}

interface KeyValue {
  key: string;
  value: Record<string, unknown>;
}
const plain = (list: KeyValue[] = []) => Object.fromEntries(list.map((a) => [a.key, Object.values(a.value)[0]]));

/** Start one. @param port default: a free one */
export async function startCollector(port = 0): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const logs: CollectedLog[] = [];
  const metrics = new Map<string, CollectedPoint[]>();
  const hung = new Set<ServerResponse>();
  let stalled = false;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (stalled) {
        hung.add(response);
        return;
      }
      const body = JSON.parse(Buffer.concat(chunks).toString());
      for (const r of body.resourceSpans ?? []) {
        const resource = plain(r.resource?.attributes);
        const of = { service: String(resource['service.name']), node: String(resource['service.instance.id']) };
        for (const s of r.scopeSpans)
          for (const x of s.spans) spans.push({ ...x, ...of, attributes: plain(x.attributes) });
      }
      for (const r of body.resourceLogs ?? []) {
        const service = String(plain(r.resource?.attributes)['service.name']);
        for (const s of r.scopeLogs)
          for (const x of s.logRecords)
            logs.push({
              body: String(x.body?.stringValue),
              service,
              attributes: plain(x.attributes),
              ...(x.traceId ? { traceId: x.traceId } : {}),
            });
      }
      for (const r of body.resourceMetrics ?? [])
        for (const s of r.scopeMetrics)
          for (const x of s.metrics) {
            const { dataPoints } = x.sum ?? x.gauge ?? x.histogram;
            metrics.set(
              x.name,
              dataPoints.map((p: { attributes: KeyValue[] }) => ({ ...p, attributes: plain(p.attributes) })),
            );
          }
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${address.port}`,
    spans,
    logs,
    metrics,
    stall: (on) => {
      stalled = on;
      if (!on) for (const response of hung) response.destroy();
      if (!on) hung.clear();
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
