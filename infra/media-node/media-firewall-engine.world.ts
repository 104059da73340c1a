/**
 * Run by media-firewall.test.ts in a network of its own: a real Janus under the rules, while clients in another network name candidates that the
 * rules refuse beside the one that works. `node media-firewall-engine.world.ts` prints as JSON what came of it.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cachedEngine } from '../../scripts/lib/media-engine.mjs';
import { mediaFirewallCommands } from '../topology/media-firewall.ts';
import type { Candidate, SubscriberLeg } from './src/engine.ts';
import { startJanusEngine } from './src/janus-engine.ts';
import { janusProgram } from './src/location.ts';
import type { FromPeers, ToPeers } from './src/testing/peers-process.ts';

const PORTS = [20_000, 20_100] as const;
/** Of documentation (RFC 5737). */
const [ENGINE, CLIENTS] = ['198.51.100.1', '198.51.100.9'];
/** What a hostile client names: the host itself and the private network. libnice tries no link-local address by itself. */
const TRIED = [ENGINE, '10.1.2.3', '192.168.1.1'];
const DEADLINE_MS = 10_000;

const run = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' });

/** The clients' network: the other end of a cable. */
async function startPeers() {
  const peers = spawn('unshare', ['-n', process.execPath, join(import.meta.dirname, 'src/testing/peers-process.ts')], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const inside = (command: string) => run(`nsenter -t ${peers.pid} -n ${command}`);
  const own = run('readlink /proc/self/ns/net');
  while (inside('readlink /proc/self/ns/net') === own) await sleep(20);
  run('ip link set lo up && ip link add d0 type veth peer name d1 && ip addr add 198.51.100.1/24 dev d0');
  run(`ip link set d1 netns ${peers.pid} && ip link set d0 up && ip route add default dev d0`);
  inside('ip addr add 198.51.100.9/24 dev d1');
  inside('ip link set lo up');
  inside('ip link set d1 up');
  peers.send({ address: CLIENTS });
  return peers;
}

/** Packets that the rules dropped. */
function dropped(): number {
  const lines = run('iptables -w -nvxL OUTPUT').split('\n');
  return lines
    .filter((line) => line.includes('DROP'))
    .reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[0]), 0);
}

/** Named before any candidate that works, and preferred to it: no check of a good one comes first (RFC 8445 section 5.1.2.1). */
function hostile(mid: string): Candidate[] {
  return TRIED.map((address, index) => ({
    candidate: `candidate:9${index} 1 UDP ${2_130_706_431 - index} ${address} ${20_001 + index} typ host`,
    sdpMid: mid,
  }));
}

const runDir = mkdtempSync(join(tmpdir(), 'janus-firewall-'));
const complaints: string[] = [];
const peers = await startPeers();
for (const command of mediaFirewallCommands({ ports: PORTS, user: process.getuid?.() ?? 0 })) run(command);
const engine = await startJanusEngine({
  program: janusProgram(process.env.JANUS ?? cachedEngine() ?? 'janus'),
  runDir,
  address: ENGINE,
  mediaPorts: PORTS,
  eventLoops: 2,
  complain: (line) => complaints.push(line),
});
const said: string[] = [];
type Who = FromPeers['from'];
/** Candidates that work, of both sides: until the engine has tried the others a leg has no other pair. undefined: no longer held. */
const held: Record<Who, (() => void)[] | undefined> = { sender: [], receiver: [] };
function whenTried(who: Who, pass: () => void): void {
  const waiting = held[who];
  if (waiting) waiting.push(pass);
  else pass();
}
let packets = 0;
/** Packets of each leg that the rules dropped before it had a candidate that works. */
const tried: Partial<Record<Who, number>> = {};
try {
  const room = await engine.openRoom('firewall', 10);
  const to = (message: ToPeers) => void peers.send(message);
  const hooks = (who: Who) => ({
    onCandidate: (candidate: Candidate | null) => whenTried(who, () => to({ to: who, candidate })),
    onLive: () => said.push(`${who} live`),
    onLost: (reason: string) => said.push(`${who} lost: ${reason}`),
  });
  const up = await room.publish('ada', hooks('sender'));
  let down: SubscriberLeg | undefined;
  peers.on('message', ({ from, candidate, sdp, packets: count }: FromPeers) => {
    const leg = from === 'sender' ? up : down;
    if (candidate) whenTried(from, () => leg?.candidate(candidate));
    if (count !== undefined) packets = count;
    if (sdp === undefined || !leg) return;
    const described =
      leg === up
        ? up.offer(sdp).then((answer) => to({ to: 'sender', sdp: answer }))
        : (leg as SubscriberLeg).answer(sdp);
    if (process.env.ONLY === undefined || process.env.ONLY === from)
      for (const mid of ['0', '1']) for (const one of hostile(mid)) leg.candidate(one);
    described.catch((error: unknown) => said.push(String(error)));
  });
  const until = async (reached: () => boolean) => {
    const deadline = performance.now() + DEADLINE_MS;
    while (performance.now() < deadline && !reached()) await sleep(50);
  };
  for (const who of ['sender', 'receiver'] as const) {
    const before = dropped();
    // Only now, as what is dropped counts for one of them.
    if (who === 'receiver') {
      down = await room.subscribe('bob', {
        ...hooks('receiver'),
        onOffer: (offer) => to({ to: 'receiver', sdp: offer }),
      });
      down.want([
        { publisher: 'ada', slot: 'audio' },
        { publisher: 'ada', slot: 'video' },
      ]);
    }
    await until(() => dropped() > before);
    tried[who] = dropped() - before;
    for (const pass of held[who] ?? []) pass();
    held[who] = undefined;
    await until(() => said.includes(`${who} live`));
  }
  await until(() => packets > 100);
  const before = packets;
  await sleep(2000);
  console.log(JSON.stringify({ said, flows: packets > before + 50, tried, complaints }));
} finally {
  peers.kill('SIGKILL');
  await engine[Symbol.asyncDispose]();
  rmSync(runDir, { recursive: true, force: true });
}
