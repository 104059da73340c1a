import { expect, test } from 'vitest';
import { run } from './main.ts';

test('a call is followed from the browser through auth and both nodes, in traces, logs and metrics; no secret is written anywhere', async () => {
  const { spans, logs, metrics, everything, secrets } = await run(() => {});
  const names = spans.map((s) => `${s.node} ${s.name}`);
  for (const [from, to, type] of [
    ['node-north', 'node-south', 'offer'],
    ['node-south', 'node-north', 'answer'],
    ['node-north', 'node-south', 'ice-candidate'],
  ]) {
    expect(names).toContain(`${from} relay ${type}`);
    expect(names).toContain(`${to} deliver ${type}`);
  }
  expect(names).toContain('node-south POST /reports');
  expect(spans.filter((s) => s.service === 'auth').map((s) => s.name)).toEqual([
    'POST /auth/token',
    'POST /auth/token',
  ]);
  expect(logs.map((l) => l.attributes.event)).toEqual(expect.arrayContaining(['message.relay', 'message.deliver']));
  expect(metrics).toMatch(/tandem_call_legs_total\{outcome="connected".*node="node-south"\} 1/);
  expect(metrics).toMatch(/tandem_signaling_relayed_remote_total\{service="signaling",node="node-north"\} [2-9]/);
  for (const secret of secrets) expect(everything).not.toContain(secret);
});
