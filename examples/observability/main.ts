/** One call, seen three ways: its trace, its log lines and its metrics, from real auth and two real signaling nodes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallReport } from '@tandem/protocol';
import { formatTraceparent, newTraceContext } from '@tandem/service';
import { type CollectedLog, type CollectedSpan, startCollector } from '@tandem/service/testing';
import { startSignaling } from '@tandem/signaling';
import { MemoryHub, systemClock } from '@tandem/signaling/core';
import { testConfig } from '@tandem/signaling/testing';
import { startTestAuth } from '../../apps/auth/src/testing.ts';
import { Peer } from '../lib/peer.ts';

export interface Result {
  readonly traceId: string;
  readonly spans: readonly CollectedSpan[];
  readonly logs: readonly CollectedLog[];
  readonly metrics: string;
  /** Everything that was written anywhere, to look for secrets. */
  readonly everything: string;
  readonly secrets: readonly string[];
}

const SDP = 'v=0 a=ice-pwd:this-is-a-secret';

/** Two people meet in a room, on two nodes; every message of their call carries the trace. */
async function call(nodes: readonly [string, string], tokens: readonly [string, string], traceparent: string) {
  using ada = await Peer.connect(nodes[0], tokens[0]);
  using ben = await Peer.connect(nodes[1], tokens[1]);
  const { peerId: adaId } = await ada.next('welcome');
  const { peerId: benId } = await ben.next('welcome');
  ada.send({ type: 'join', roomId: 'demo' });
  await ada.next('joined');
  ben.send({ type: 'join', roomId: 'demo' });
  await ben.next('joined');
  await ada.next('peer_joined');

  ada.send({ type: 'offer', peerId: benId, sdp: SDP, traceparent });
  await ben.next('offer');
  ben.send({ type: 'answer', peerId: adaId, sdp: SDP, traceparent });
  await ada.next('answer');
  const candidate = { candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host' };
  ada.send({ type: 'ice-candidate', peerId: benId, candidate, traceparent });
  await ben.next('ice-candidate');
}

/** What the page sends when the call ends. */
async function reportQuality(signalingUrl: string, traceparent: string): Promise<void> {
  const report: CallReport = {
    version: 1,
    client: 'example-1',
    roomSize: 2,
    legs: [{ outcome: 'connected', phase: 'end', setupMs: 240, mos: 4.3, path: 'host' }],
  };
  const answer = await fetch(`${signalingUrl}/reports`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent },
    body: JSON.stringify(report),
  });
  if (answer.status !== 204) throw new Error(`POST /reports: ${answer.status} ${await answer.text()}`);
}

const startMicros = (span: CollectedSpan) =>
  Number(BigInt((span as unknown as { startTimeUnixNano: string }).startTimeUnixNano) / 1000n);

function printFindings(
  { traceId, spans, logs, metrics }: Pick<Result, 'traceId' | 'spans' | 'logs' | 'metrics'>,
  print: (line: string) => void,
): void {
  print(`Trace ${traceId}, started in the browser, through auth and both nodes:\n`);
  const first = Math.min(...spans.map(startMicros));
  for (const s of [...spans].sort((a, b) => startMicros(a) - startMicros(b)))
    print(`  ${((startMicros(s) - first) / 1000).toFixed(1).padStart(7)} ms  ${s.node.padEnd(13)} ${s.name}`);
  print('\nLog lines with the same trace id:\n');
  for (const l of logs) print(`  ${l.service}  ${String(l.attributes.event ?? '').padEnd(16)} ${l.body}`);
  print('\nMetrics of the same minute (GET /metrics):\n');
  const shown =
    /^tandem_(signaling_(received|relayed_remote|from_nodes|joins)_total|call_legs_total|call_setup_seconds_(sum|count)|reports_total|telemetry_items_total\{signal="traces",outcome="(exported|dropped)")/;
  for (const line of metrics.split('\n').filter((l) => shown.test(l))) print(`  ${line}`);
}

export async function run(print: (line: string) => void = console.log): Promise<Result> {
  await using collector = await startCollector();
  await using auth = await startTestAuth({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  const hub = new MemoryHub(systemClock);
  const lines: string[] = [];
  const start = (name: string) =>
    startSignaling(
      testConfig(auth.jwksUrl, { NODE_NAME: name, LOG_LEVEL: 'info', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }),
      { backplane: hub.connect(), stdout: { write: (line) => void lines.push(line) } },
    );
  await using north = await start('node-north');
  await using south = await start('node-south');

  // The caller's browser starts the trace; the id travels in the messages.
  const trace = newTraceContext();
  const { traceId } = trace;
  const traceparent = formatTraceparent(trace);
  const login = async (userId: string): Promise<string> =>
    (await auth.post('/auth/token', { userId }, { traceparent })).body.token;
  const tokens = [await login('ada'), await login('ben')] as const;
  await call([north.wsUrl, south.wsUrl], tokens, traceparent);
  await reportQuality(south.url, traceparent);

  // Exports run once a second.
  const spansNow = () => collector.spans.filter((s) => s.traceId === traceId);
  const logsNow = () => collector.logs.filter((l) => l.traceId === traceId);
  for (let i = 0; i < 200 && (spansNow().length < 9 || logsNow().length < 6); i++) await sleep(50);
  const spans = spansNow();
  const logs = logsNow();
  const pages = await Promise.all([north, south].map(async (node) => (await fetch(`${node.url}/metrics`)).text()));
  const metrics = pages.join('\n');
  printFindings({ traceId, spans, logs, metrics }, print);
  const everything = JSON.stringify([collector.spans, collector.logs, lines, metrics]);
  const secrets = [...tokens, 'this-is-a-secret', '192.0.2.1'];
  return { traceId, spans, logs, metrics, everything, secrets };
}

if (import.meta.main) await run();
