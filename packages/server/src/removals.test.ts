/** A removal whose first try failed: only what says that an earlier try did it is a success. */
import { expect, test } from 'vitest';
import { TandemServer } from './tandem-server.ts';
import { type ScriptedAnswer, startScriptedServer } from './testing.ts';

const problem = (status: number, code: string): ScriptedAnswer => ({ status, body: { status, code, detail: 'why' } });
/** The second try of a call is answered by `second`. */
const startAnswering = (first: ScriptedAnswer, second: ScriptedAnswer) =>
  startScriptedServer(({ path }, n) => (path === '/auth/token' ? undefined : n === 1 ? first : second));
const connect = ({ url }: { readonly url: string }) => new TandemServer({ url, apiKey: 'tk_abcdefghij_of-this-test' });

test.each<[string, ScriptedAnswer, ScriptedAnswer]>([
  ['was refused before anything was done', problem(429, 'rate_limited'), problem(404, 'recording_unknown')],
  ['meets a proxy that knows no way', 'cut', { status: 404, body: '<h1>404 Not Found</h1>' }],
  ['meets a task that keeps no recordings', 'cut', problem(404, 'recordings_off')],
])('a removal that %s is no success', async (_name, first, second) => {
  await using server = await startAnswering(first, second);
  await expect(connect(server).recordings.delete('room', 'id')).rejects.toMatchObject({ status: 404 });
});

test('a peer that is gone when it is to be banned is no success: it may have left by itself', async () => {
  const unknown = problem(404, 'peer_unknown');
  for (const [ban, result] of [
    ['user', { code: 'peer_unknown' }],
    ['login', { code: 'peer_unknown' }],
    ['none', 'removed'],
    [undefined, 'removed'],
  ] as const) {
    await using server = await startAnswering('cut', unknown);
    const removal = connect(server).peers.remove('room', 'peer', { ban });
    await (typeof result === 'string'
      ? expect(removal).resolves.toBeUndefined()
      : expect(removal).rejects.toMatchObject(result));
  }
});
