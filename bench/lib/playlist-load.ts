/** Asks for a playlist as fast as it is answered, or as a player does for the one with the next part, in a process of its own: `node playlist-load.ts`, with what to ask for on stdin as JSON. */
import { Agent, get } from 'node:http';
import { text } from 'node:stream/consumers';

export interface PlaylistLoad {
  readonly url: string;
  /** Each of a login of its own. */
  readonly tokens: readonly string[];
  /** Requests under way at once. */
  readonly atOnce: number;
  /** Each asks for the next part of what it has: it waits for that. */
  readonly isHeld?: boolean;
  readonly seconds: number;
}
export interface PlaylistAnswers {
  readonly statuses: Readonly<Record<string, number>>;
  /** Of each answer of 200, ms. */
  readonly ms: readonly number[];
  readonly bytes: number;
}

/** @returns what a player asks for next */
function queryFor(playlist: string): string {
  const [, sequence, part] = /PRELOAD-HINT:TYPE=PART,URI="[^"]*\/(\d+)\.(\d)\.m4s"/.exec(playlist) ?? [];
  return sequence === undefined ? '' : `?_HLS_msn=${sequence}&_HLS_part=${part}`;
}

async function main({ url, tokens, atOnce, seconds, isHeld }: PlaylistLoad): Promise<PlaylistAnswers> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const [statuses, ms]: [Record<string, number>, number[]] = [{}, []];
  let [asked, bytes] = [0, 0];
  const until = performance.now() + seconds * 1000;
  const ask = (viewer: number, query: string) =>
    new Promise<string>((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${tokens[viewer]}`,
        // One address may ask a number of times a second: each viewer has its own, as the edge says it.
        'x-forwarded-for': `198.51.${100 + Math.floor(viewer / 250)}.${viewer % 250}`,
      };
      const began = performance.now();
      get(url + query, { agent, headers }, (response) => {
        const status = String(response.statusCode);
        statuses[status] = (statuses[status] ?? 0) + 1;
        text(response).then((body) => {
          if (status === '200') ms.push(performance.now() - began);
          bytes += body.length;
          resolve(body);
        }, reject);
      }).on('error', reject);
    });
  const loop = async (_: unknown, viewer: number) => {
    let last = '';
    while (performance.now() < until)
      last = await (isHeld ? ask(viewer, queryFor(last)) : ask(asked++ % tokens.length, ''));
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  agent.destroy();
  return { statuses, ms, bytes };
}

if (import.meta.main) console.log(JSON.stringify(await main(JSON.parse(await text(process.stdin)))));
