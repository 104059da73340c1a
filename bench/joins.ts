/** `npm run bench -- joins`: what it costs until a peer is in: connection, token verified, room entered, answer heard. */
import { parseArgs } from 'node:util';
import { tokenKey, verifyWithKeys } from '@tandem/service';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { cpuNs } from './lib/cpu.ts';
import { pin, pinSelf, type StartOptions } from './lib/proc.ts';
import { startBenchRedis } from './lib/redis.ts';
import { fixed, median, table } from './lib/stats.ts';
import {
  AT_ONCE,
  chosen,
  connectAll,
  type Peer,
  peerJs,
  type System,
  socketIo,
  tandem,
  wsJson,
} from './lib/systems.ts';

export const summary = 'server CPU per 1,000 joins, token verified and membership written';

const BATCH = 250;

/** By the options of ours. */
const systems = (start: StartOptions): Record<string, () => Promise<Contestant>> => ({
  'ws-json': () => alone(wsJson()),
  tandem: () => alone(tandem({ start })),
  'tandem-redis': () => onRedis('', start),
  'tandem-cluster': async () => {
    // Loaded here: the list of benchmarks must not load it.
    const { startCluster } = await import('@tandem/service/testing');
    const cluster = await startCluster();
    const pids = cluster.servers.map((server) => server.pid);
    for (const pid of pids) pin(pid);
    const system = await tandem({ redisUrl: cluster.url, start });
    return {
      name: `${system.name} + Redis Cluster`,
      system,
      storePids: pids,
      parts: [cluster, system],
    };
  },
  peerjs: () => alone(peerJs()),
  socketio: () => alone(socketIo()),
});

/** @param name behind the usual one */
async function onRedis(name: string, start: StartOptions): Promise<Contestant> {
  const redis = await startBenchRedis();
  const system = await tandem({ redisUrl: redis.url, start });
  return { name: `${system.name} + Redis${name}`, system, storePids: [redis.pid], parts: [redis, system] };
}

interface Contestant {
  readonly name: string;
  readonly system: System;
  /** Of its store; their CPU time counts as well. */
  readonly storePids: readonly number[];
  /** Disposed from last to first. */
  readonly parts: readonly AsyncDisposable[];
}

async function alone(starting: Promise<System>): Promise<Contestant> {
  const system = await starting;
  return { name: system.name, system, storePids: [], parts: [system] };
}

interface Row extends Contestant {
  readonly peers: Peer[];
  /** ns a join, by batch. */
  readonly cpu: number[];
  readonly storeCpu: number[];
}

/** ns a join: all, and what of it the store took. */
async function batch(row: Row, count: number): Promise<{ all: number; store: number }> {
  const cpu = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + cpuNs(pid), 0);
  using _ = awake();
  const [own, store] = [cpu(row.system.pids), cpu(row.storePids)];
  row.peers.push(...(await connectAll(row.system, row.peers.length, count)));
  const took = (cpu(row.storePids) - store) / count;
  return { all: (cpu(row.system.pids) - own) / count + took, store: took };
}

/**
 * Keeps the load from sleeping: whoever writes to a process that sleeps on another core wakes that core, which costs a virtual machine
 * 10 µs and more. A server that is faster than the load would be spared it.
 */
function awake(): Disposable {
  let over = false;
  const turn = () => {
    if (!over) setImmediate(turn);
  };
  turn();
  return {
    [Symbol.dispose]() {
      over = true;
    },
  };
}

/** Batches of both in turn. Two at a time: the peers of all systems together are more than a process may have open. */
async function pair(makes: readonly (() => Promise<Contestant>)[], total: number): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const rows: Row[] = [];
  for (const make of makes) {
    const row = { ...(await make()), peers: [], cpu: [], storeCpu: [] };
    for (const part of row.parts) stack.use(part);
    rows.push(row);
  }
  for (let done = 0; done < total; done += BATCH) {
    for (const row of rows) {
      const cost = await batch(row, Math.min(BATCH, total - done));
      // The first tenth warms the compilers up.
      if (done < total / 10 && total > BATCH) continue;
      row.cpu.push(cost.all);
      row.storeCpu.push(cost.store);
    }
  }
  for (const row of rows) for (const peer of row.peers) peer.raw.end();
  return rows;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      peers: { type: 'string', default: '5000' },
      only: { type: 'string', default: Object.keys(systems({})).join(',') },
      'node-args': { type: 'string', default: '' },
      // Of libuv's pool; those of the image otherwise.
      threads: { type: 'string' },
      events: { type: 'boolean', default: false },
    },
  });
  pinSelf();
  const total = Number(values.peers);
  const nodeArgs = values['node-args'].split(' ').filter(Boolean);
  const env: Record<string, string> = values.threads === undefined ? {} : { UV_THREADPOOL_SIZE: values.threads };
  if (values.events) return compareEvents(total, { nodeArgs, env });
  const [[, reference], ...others] = chosen(systems({ nodeArgs, env }), values.only) as [
    [string, () => Promise<Contestant>],
  ];
  const verification = fixed(await verificationUs(), 0);
  const rows = [
    ['', 'CPU ratio', 'CPU ms per 1,000 joins', 'of it Redis', 'of it verification', 'of bare ws beside it'],
  ];
  for (const [, make] of others as [string, () => Promise<Contestant>][]) {
    const [base, row] = (await pair([reference, make], total)) as [Row, Row];
    rows.push([
      row.name,
      // Batches alternate, so their ratios pair up in time.
      fixed(median(row.cpu.map((c, i) => c / (base.cpu[i] as number)))),
      fixed(median(row.cpu) / 1000, 0),
      row.storePids.length > 0 ? fixed(median(row.storeCpu) / 1000, 0) : '–',
      row.system.verifies === true ? verification : '–',
      fixed(median(base.cpu) / 1000, 0),
    ]);
  }
  console.log(`\n${total} joins, ${AT_ONCE} at once, in rooms of two; ours with its token (ES256) verified\n`);
  console.log(table(rows));
}

/** What it costs that each join is an event as well: the same system twice on a Redis each, batches in turn. */
export async function compareEvents(total: number, start: StartOptions): Promise<void> {
  const [without, events] = (await pair(
    [
      () => onRedis(', no events', start),
      () => onRedis(', events', { ...start, env: { ...start.env, EVENTS: 'true' } }),
    ],
    total,
  )) as [Row, Row];
  const ratios = (of: (row: Row) => number[]) => of(events).map((c, i) => c / (of(without)[i] as number));
  const rows = [without, events].map((row) => [
    row.name,
    row === without ? fixed(1) : fixed(median(ratios((r) => r.cpu)), 3),
    fixed(median(row.cpu) / 1000, 0),
    fixed(median(row.storeCpu) / 1000, 0),
    row === without ? fixed(1) : fixed(median(ratios((r) => r.storeCpu)), 3),
  ]);
  console.log(
    `\n${total} joins, ${AT_ONCE} at once, in rooms of two; the median of the ratios of batches beside each other\n`,
  );
  console.log(table([['', 'CPU ratio', 'CPU ms per 1,000 joins', 'of it Redis', 'ratio of Redis'], ...rows]));
}

/** CPU of one access token's verification as the service does it, all threads of this process, µs: as many ms per 1,000. */
async function verificationUs(): Promise<number> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const key = await tokenKey(await exportJWK(publicKey), 'ES256');
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: 'b',
    aud: 'b',
    sub: 'user-1',
    session_id: 's1',
    jti: 't1',
    name: 'Peer 1',
    iat: now,
    exp: now + 3600,
  };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
    .sign(privateKey);
  let cost = 0;
  // The second round counts.
  for (let round = 0; round < 2; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < 2000; i++) await verifyWithKeys(token, () => key, { issuer: 'b', audience: 'b' });
    const { user, system } = process.cpuUsage(before);
    cost = (user + system) / 2000;
  }
  return cost;
}
