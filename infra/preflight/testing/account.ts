/** An account on loopback: a server that answers the AWS SDK as one of recorded/ says. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

type Any = ReturnType<typeof JSON.parse>;

/** What the service writes. */
export interface Answer {
  /** Default 200. */
  readonly status?: number;
  readonly type: string;
  readonly body: string;
}

/** By operation and what tells two calls of it apart: `GetServiceQuota L-0263D0A3`. */
export type Answers = Readonly<Record<string, Answer>>;

/** Every answer that a test of this file gave. */
export const given: [key: string, answer: Answer][] = [];

/** @param file a name in recorded/ */
export function recorded(file: string): Answers {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../recorded', file), 'utf8'));
}

/** Name of the operation, and what tells two calls of it apart. */
function keyOf(request: IncomingMessage, body: string): string {
  const target = String(request.headers['x-amz-target'] ?? '').split('.')[1];
  const url = new URL(request.url ?? '', 'http://aws');
  const [, zone, records] = /\/hostedzone\/(\w+)(\/rrset)?/.exec(url.pathname) ?? [];
  if (zone) return records ? `ListResourceRecordSets ${url.searchParams.get('name')}` : `GetHostedZone ${zone}`;
  if (target) {
    const { QuotaCode, CertificateArn, MetricDataQueries } = JSON.parse(body);
    const dimensions = MetricDataQueries?.[0].MetricStat.Metric.Dimensions ?? [];
    const service = dimensions.find((one: Any) => one.Name === 'Service')?.Value;
    return [target, QuotaCode ?? CertificateArn ?? service].filter(Boolean).join(' ');
  }
  const form = new URLSearchParams(body);
  const of = form.get('Filter.1.Value.1') ?? form.get('CacheNodeType') ?? form.get('StackName') ?? form.get('RoleName');
  const action = form.get('Action') ?? '';
  return of && action !== 'DescribeAvailabilityZones' ? `${action} ${of}` : action;
}

/**
 * Ends with the test.
 * @param file a name in recorded/
 * @param changed answers in place of those
 * @returns its address, and what was asked that it has no answer to
 */
export async function account(file: string, changed: Answers = {}): Promise<{ url: string; unknown: string[] }> {
  const answers = { ...recorded(file), ...changed };
  given.push(...Object.entries(answers));
  const unknown: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const key = keyOf(request, body);
      const answer = answers[key];
      if (!answer) unknown.push(key);
      response.writeHead(answer?.status ?? (answer ? 200 : 500), { 'content-type': answer?.type ?? 'text/plain' });
      response.end(answer?.body ?? '');
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((done) => server.once('listening', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, unknown };
}
