/** Asks for a playlist as fast as it is answered, in a process of its own: `node playlist-load.ts`, with what to ask for on stdin as JSON. */
import { Agent, get } from 'node:http';
import { text } from 'node:stream/consumers';

export interface PlaylistLoad {
  readonly url: string;
  /** Each of a login of its own. */
  readonly tokens: readonly string[];
  /** Requests under way at once. */
  readonly atOnce: number;
  readonly seconds: number;
}
export interface PlaylistAnswers {
  readonly statuses: Readonly<Record<string, number>>;
  /** Of each answer of 200, ms. */
  readonly ms: readonly number[];
  readonly bytes: number;
}

async function main({ url, tokens, atOnce, seconds }: PlaylistLoad): Promise<PlaylistAnswers> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const [statuses, ms]: [Record<string, number>, number[]] = [{}, []];
  let [asked, bytes] = [0, 0];
  const until = performance.now() + seconds * 1000;
  const ask = () =>
    new Promise<void>((resolve, reject) => {
      const viewer = asked++ % tokens.length;
      const headers = {
        authorization: `Bearer ${tokens[viewer]}`,
        // One address may ask 100 times a second: each viewer has its own, as the edge says it.
        'x-forwarded-for': `198.51.${100 + Math.floor(viewer / 250)}.${viewer % 250}`,
      };
      const began = performance.now();
      get(url, { agent, headers }, (response) => {
        const status = String(response.statusCode);
        statuses[status] = (statuses[status] ?? 0) + 1;
        text(response).then((body) => {
          if (status === '200') ms.push(performance.now() - began);
          bytes += body.length;
          resolve();
        }, reject);
      }).on('error', reject);
    });
  const loop = async () => {
    while (performance.now() < until) await ask();
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  agent.destroy();
  return { statuses, ms, bytes };
}

if (import.meta.main) console.log(JSON.stringify(await main(JSON.parse(await text(process.stdin)))));
