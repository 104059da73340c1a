/** Tokens, secrets and what people say never get into the log, on whatever way they come and however it ends. */
import { createLogger } from '@tandem/service';
import { expect, test, vi } from 'vitest';
import { connectClient, startTestKeys, startTestNode, TestClient } from '../testing.ts';

test('no token, secret or payload in any line, at the lowest level', async () => {
  const lines: string[] = [];
  await using keys = await startTestKeys();
  const log = createLogger('signaling', 'trace', { write: (line) => lines.push(line) });
  const secrets: string[] = [];
  const token = async (...args: Parameters<typeof keys.token>) => {
    const text = await keys.token(...args);
    secrets.push(...text.split('.').slice(1));
    return text;
  };
  {
    await using node = await startTestNode({ keys, config: { LOG_LEVEL: 'trace', MAX_FAULTS: 3 }, parts: { log } });
    const good = await token('ada', { kick: true });
    const past = Math.floor(Date.now() / 1000) - 1000;
    const expired = await token('ada', {}, { iat: past, exp: past });
    const forged = `${good.slice(0, -8)}AAAAAAAA`;
    secrets.push(good.slice(-40, -8));
    for (const refused of [expired, forged]) {
      using sub = new TestClient(node.wsUrl, ['signal.v1', `bearer.${refused}`]);
      await sub.whenClosed();
      using query = new TestClient(`${node.wsUrl}?token=${refused}`);
      await query.until('refusal', () => query.refused);
      using header = new TestClient(node.wsUrl, [], { headers: { authorization: `Bearer ${refused}` } });
      await header.until('refusal', () => header.refused);
    }
    using elsewhere = new TestClient(`${node.wsUrl}/other?token=${good}`);
    await elsewhere.until('refusal', () => elsewhere.refused);
    using stranger = new TestClient(`${node.wsUrl}?token=${good}`, [], { origin: 'https://evil.example' });
    await stranger.until('refusal', () => stranger.refused);
    for (const path of ['/ws/signal', '/nothing', '/health/ready'])
      await fetch(`${node.url}${path}?token=${good}`, { headers: { authorization: `Bearer ${good}` } });

    const a = await connectClient(node, good);
    secrets.push(String(a.welcome.sessionToken).split('.')[1] as string);
    await a.join('r', { name: 'Ada privately' });
    using b = await connectClient(node, await token('bob'));
    await b.join('r');
    a.send({ type: 'offer', peerId: b.welcome.peerId, sdp: 'v=0 of Ada' });
    await b.next('offer');
    a.ws.terminate();
    await b.next('peer_away');
    using back = await connectClient(node, good);
    back.send({ type: 'resume', sessionToken: a.welcome.sessionToken });
    await back.next('resumed');
    back.send({ type: 'kick', peerId: b.welcome.peerId, reason: 'privately' });
    await b.whenClosed();
    for (let i = 0; i < 9; i++) back.send(`{"token":"${good}"`);
    await back.whenClosed();
    await vi.waitFor(() => expect(node.node.connections.size).toBe(0));
  }
  expect(lines.length).toBeGreaterThan(5);
  const all = lines.join('');
  expect(all).toContain('token-expired');
  for (const secret of [...secrets, 'privately', 'v=0 of Ada', 'eyJ']) expect(all).not.toContain(secret);
});
