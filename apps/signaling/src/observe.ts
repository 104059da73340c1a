/** What the outside sees of a node: metrics, traces of sampled calls, call reports. Nothing here is on the relay path. */
import type { IncomingMessage } from 'node:http';
import {
  createMetrics,
  type LoadShedder,
  type Logger,
  type Metrics,
  registerReports,
  startServiceTelemetry,
  type Telemetry,
  traceRequests,
} from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import type { SignalingConfig } from './config.ts';
import type { Counters, NodeEvents } from './core/events.ts';
import type { SignalingNode } from './core/node.ts';
import { textOf } from './wire/spliced-frame.ts';

export interface Observation extends AsyncDisposable {
  readonly metrics: Metrics;
  readonly telemetry: Telemetry;
}

/** The first thing a node starts, so that its log goes to the collector as well. */
export async function startObservation(config: SignalingConfig, node: string): Promise<Observation> {
  const metrics = createMetrics({ service: 'signaling', node });
  const telemetry = await startServiceTelemetry(config, { service: 'signaling', node }, metrics);
  return { metrics, telemetry, [Symbol.asyncDispose]: () => telemetry[Symbol.asyncDispose]() };
}

const TRACEPARENT = /"traceparent"\s*:\s*"([0-9a-f-]{55})"/;
const TYPE = /"type"\s*:\s*"(offer|answer|ice-candidate|media-want|media-state|message|receipt|join|resume)"/;

/**
 * A span and a log line for each join, resume and relayed message of a sampled call, under the trace id of the browser that sent it:
 * one trace shows the browser, the node it came in at and the node it went out from. Undefined without a collector: no cost at all.
 */
export function tracer(telemetry: Telemetry, log: Logger, node: string): Pick<NodeEvents, 'traced'> {
  if (!telemetry.enabled) return {};
  return {
    traced(hop, frame) {
      const text = frame instanceof Uint8Array ? Buffer.from(frame).toString('latin1') : textOf(frame);
      const parent = text.includes('"traceparent"') ? TRACEPARENT.exec(text)?.[1] : undefined;
      if (!parent) return undefined;
      const type = TYPE.exec(text)?.[1] ?? 'other';
      const name = type === 'join' || type === 'resume' ? type : `${hop} ${type}`;
      const span = telemetry.span(name, {
        parent,
        followOnly: true,
        kind: hop === 'relay' ? 'server' : 'consumer',
        attributes: { 'tandem.node': node, 'tandem.message.type': type, 'tandem.message.bytes': text.length },
      });
      if (!span) return undefined;
      return () => {
        span.end();
        const { traceId, spanId } = span.context;
        log.info({ event: `message.${hop}`, type, trace_id: traceId, span_id: spanId }, name);
      };
    },
  };
}

const HELP: Record<keyof Counters, string> = {
  received: 'Frames received from clients.',
  relayedLocal: 'Frames handed to peers on this node.',
  relayedRemote: 'Frames published to other nodes.',
  fromNodes: 'Frames that came from other nodes.',
  batches: 'Batches published to other nodes.',
  parked: 'Frames parked for detached sessions.',
  dropped: 'Frames that could be neither delivered nor parked.',
  refused: 'Messages refused with an error.',
  joins: 'Rooms joined.',
  resumes: 'Sessions resumed.',
  resumesFailed: 'Resumes of sessions that were over.',
  fenced: 'Sessions fenced by a resume elsewhere.',
  staleReads: 'Rooms read again because the replica may be stale.',
};

/** Counters whose metric keeps an older name: dashboards and runbooks use it. */
const METRIC_NAME: Partial<Record<keyof Counters, string>> = { staleReads: 'doubts' };

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** `GET /metrics`, `POST /reports`, spans of HTTP requests. Call it before the server listens. */
export async function exposeNode(
  app: FastifyInstance,
  { metrics, telemetry }: Observation,
  node: SignalingNode,
  shedder: LoadShedder,
  address: (request: IncomingMessage) => string,
): Promise<void> {
  for (const [name, help] of Object.entries(HELP) as [keyof Counters, string][]) {
    metrics.total(`tandem_signaling_${METRIC_NAME[name] ?? snakeCase(name)}_total`, help, () => node.counters[name]);
  }
  metrics.gauge('tandem_signaling_connections', 'Open WebSocket connections.', () => node.connections.size);
  metrics.gauge('tandem_signaling_rooms', 'Rooms with a member on this node.', () => node.rooms.size);
  metrics.gauge('tandem_signaling_backplane_up', '1 while the backplane answers.', () => Number(node.up));
  metrics.gauge('tandem_signaling_draining', '1 while the node drains.', () => Number(node.draining));
  metrics.gauge('tandem_admission_ratio', 'Share of arrivals admitted.', () => shedder.state().admitRatio);
  metrics.total('tandem_admission_admitted_total', 'Arrivals admitted.', () => shedder.state().admitted);
  for (const reason of ['connections', 'memory', 'event-loop'] as const)
    metrics.total('tandem_admission_shed_total', 'Arrivals shed.', () => shedder.state().shed[reason], { reason });
  traceRequests(app, telemetry, metrics);
  metrics.register(app);
  await registerReports(app, { metrics, address });
}
