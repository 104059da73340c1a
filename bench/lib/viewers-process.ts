/** Viewers of a stream in a process of their own, so that their CPU is not the media node's: `node viewers-process.ts`, asked by IPC. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RtpViewer } from '../../infra/media-node/src/testing/rtp-peer.ts';
import { type StreamClient, watch } from '../../test/support/stream-client.ts';

interface ToViewers {
  readonly id: number;
  /** A viewer more; without it, what there is. */
  readonly open?: { readonly url: string; readonly token: string };
}

export interface Received {
  readonly connected: number;
  /** Of RTP that arrived, of each viewer. */
  readonly bytes: readonly number[];
}

interface FromViewers {
  readonly id: number;
  readonly received?: Received;
  readonly error?: string;
}

export interface ViewersProcess extends Disposable {
  readonly pid: number;
  /** @throws Error when it is refused again and again */
  open(url: string, token: string): Promise<void>;
  received(): Promise<Received>;
}

export async function startViewers(): Promise<ViewersProcess> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'spawn');
  const waiting = new Map<number, PromiseWithResolvers<FromViewers>>();
  child.on('message', (message: FromViewers) => {
    waiting.get(message.id)?.resolve(message);
    waiting.delete(message.id);
  });
  child.once('exit', () => {
    for (const one of waiting.values()) one.reject(new Error('the viewers have ended'));
  });
  let next = 0;
  const ask = async (what: Omit<ToViewers, 'id'>): Promise<FromViewers> => {
    const [id, answer] = [next++, Promise.withResolvers<FromViewers>()];
    waiting.set(id, answer);
    child.send({ id, ...what });
    const answered = await answer.promise;
    if (answered.error) throw new Error(answered.error);
    return answered;
  };
  return {
    pid: child.pid ?? 0,
    open: async (url, token) => void (await ask({ open: { url, token } })),
    received: async () => (await ask({})).received ?? { connected: 0, bytes: [] },
    [Symbol.dispose]: () => void child.kill(),
  };
}

/** The encoder's first packets may not be there yet. */
async function watchPatiently(url: string, token: string): Promise<StreamClient<RtpViewer>> {
  for (let tries = 0; ; tries++)
    try {
      return await watch(url, token);
    } catch (error) {
      if (tries > 50) throw error;
      await sleep(200);
    }
}

function main(): void {
  const viewers: StreamClient<RtpViewer>[] = [];
  const answer = async ({ open }: ToViewers): Promise<Omit<FromViewers, 'id'>> => {
    if (open) viewers.push(await watchPatiently(open.url, open.token));
    const connected = viewers.filter(({ peer }) => peer.state === 'connected').length;
    return { received: { connected, bytes: viewers.map(({ peer }) => peer.bytes) } };
  };
  process.on('message', (message: ToViewers) => {
    answer(message).then(
      (answered) => process.send?.({ id: message.id, ...answered }),
      (error: unknown) => process.send?.({ id: message.id, error: String(error) }),
    );
  });
}

if (import.meta.main) main();
