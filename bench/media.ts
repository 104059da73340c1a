/** `npm run bench -- media`: what a media node's engine costs, and what one person of a large room receives. Real Janus, peers without encoders. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Engine, EngineRoom } from '../infra/media-node/src/engine.ts';
import { cachedEngine } from '../scripts/lib/media-engine.mjs';
import { cpuNs } from './lib/cpu.ts';
import { fixed, median, table } from './lib/stats.ts';

export const summary = 'a media node: CPU per Mbit/s and per receiver, and what one person of a room of 50 receives';

/** Goals of the media tier: ms of CPU a Mbit out, and Mbit/s that one person of a large room receives. */
const GOAL = { msPerMbit: 3, mbps: 2.5 };

/** Of which the median counts: a virtual machine is slowed down by others for seconds at a time. */
const SLICES = 5;

interface Row {
  readonly receivers: number;
  /** Mbit/s of RTP that arrived at all receivers together. */
  readonly mbps: number;
  readonly msPerMbit: number;
  /** Share of a core, %. */
  readonly core: number;
  /** Share of what was sent that did not arrive, %. */
  readonly lost: number;
}

/** One camera in all sizes and a microphone, to so many receivers of the largest size. */
async function cost(engine: Engine & { readonly pid: number }, receivers: number, seconds: number): Promise<Row> {
  const [{ RtpCamera }, { RtpReceiver }, { ownAddress }] = await Promise.all([
    import('../infra/media-node/src/testing/rtp-camera.ts'),
    import('../infra/media-node/src/testing/rtp-peer.ts'),
    import('../test/support/media-peer.ts'),
  ]);
  const room = await engine.openRoom(randomUUID(), 2);
  const camera = new RtpCamera('camera', ownAddress);
  camera.speaks = true;
  const leg = await room.publish('camera', {
    onCandidate: (candidate) => camera.candidate(candidate),
    onLive: () => {},
    onLost: () => {},
  });
  camera.onCandidate = (candidate) => leg.candidate(candidate);
  await camera.connect(leg);
  const peers = await Promise.all(
    Array.from({ length: receivers }, (_, i) => receive(room, new RtpReceiver(`r${i}`, ownAddress), i)),
  );
  const bytes = () => peers.reduce((sum, peer) => sum + peer.bytes, 0);
  // Every receiver has the largest size: more than the middle one sends.
  for (let i = 0; ; i++) {
    const before = peers.map((peer) => peer.bytes);
    await sleep(1000);
    if (peers.every((peer, n) => peer.bytes - (before[n] ?? 0) > 100_000)) break;
    if (i > 60) throw new Error('not every receiver has the largest size after a minute');
  }
  const [began, sent] = [bytes(), camera.sentLargest];
  const slices: { ms: number; mbit: number; elapsed: number }[] = [];
  for (let i = 0; i < SLICES; i++) {
    const [cpu, arrived, at] = [cpuNs(engine.pid), bytes(), performance.now()];
    await sleep((seconds * 1000) / SLICES);
    slices.push({
      ms: (cpuNs(engine.pid) - cpu) / 1e6,
      mbit: ((bytes() - arrived) * 8) / 1e6,
      elapsed: (performance.now() - at) / 1000,
    });
  }
  const mbit = ((bytes() - began) * 8) / 1e6;
  const expected = ((camera.sentLargest - sent) * 8 * receivers) / 1e6;
  await room.close();
  camera.close();
  for (const peer of peers) peer.close();
  return {
    receivers,
    mbps: median(slices.map((slice) => slice.mbit / slice.elapsed)),
    msPerMbit: median(slices.map((slice) => slice.ms / slice.mbit)),
    core: median(slices.map((slice) => slice.ms / slice.elapsed / 10)),
    lost: 100 * (1 - mbit / expected),
  };
}

type Receiver = InstanceType<typeof import('../infra/media-node/src/testing/rtp-peer.ts').RtpReceiver>;

async function receive(room: EngineRoom, peer: Receiver, index: number): Promise<Receiver> {
  const leg = await room.subscribe(`r${index}`, {
    onCandidate: (candidate) => peer.candidate(candidate),
    onLive: () => {},
    onLost: () => {},
    onOffer: (sdp) => void peer.answer(sdp).then((answer) => leg.answer(answer)),
  });
  peer.onCandidate = (candidate) => leg.candidate(candidate);
  leg.want([
    { publisher: 'camera', slot: 'audio' },
    { publisher: 'camera', slot: 'video' },
  ]);
  return peer;
}

/** What the page of a desk shows of a room of that size: lines of each tile, 0 for those on other pages. */
const PAGE = { tiles: 9, lines: 260 };

interface Share {
  readonly mbps: number;
  readonly sizes: string;
  /** What the others encode and send, Mbit/s together. */
  readonly upMbps: number;
}

/** All but one send; two of them speak; one looks at nine tiles, with the SDK's own choice of sizes. */
async function largeRoom(people: number, seconds: number): Promise<Share> {
  const [{ startMediaStack }, { ownAddress, receiveFromNode, sendToNode, wish }, { RtpCamera }, peers, sdk, layers] =
    await Promise.all([
      import('../test/support/media-stack.ts'),
      import('../test/support/media-peer.ts'),
      import('../infra/media-node/src/testing/rtp-camera.ts'),
      import('../infra/media-node/src/testing/rtp-peer.ts'),
      import('../packages/rtc/src/index.ts'),
      import('../packages/rtc/src/sfu/receive-layers.ts'),
    ]);
  await using stack = await startMediaStack({ from: 2 });
  await stack.mediaNode('m1', 31_000);
  const join = async (name: string) => {
    const token = await stack.keys.token(name);
    const session = new sdk.SignalingSession({ url: stack.url, getToken: async () => token });
    await session.join('large', { name, audio: true, video: true });
    return session;
  };
  const me = await join('me');
  const cameras = new Map<string, InstanceType<typeof RtpCamera>>();
  const sessions = [];
  for (let i = 0; i < people - 1; i++) {
    const session = await join(`p${i}`);
    while (!session.media) await sleep(20);
    const camera = new RtpCamera(`p${i}`, ownAddress);
    camera.speaks = i === 3 || i === 5;
    session.on('signal', ({ peerId, ...signal }) => {
      const { send } = ('state' in signal ? signal.state : {}) as { send?: string[] };
      if (peerId === session.media?.peerId && send) camera.sizes = new Set(send);
    });
    sendToNode(session, camera);
    cameras.set(session.peerId ?? '', camera);
    sessions.push(session);
  }
  const receiver = new peers.RtpReceiver('me', ownAddress);
  const clock = { now: () => performance.now() } as ConstructorParameters<typeof layers.ReceiveLayers>[0]['clock'];
  const chosen = new layers.ReceiveLayers({ clock, wish: (wishes) => wish(me, wishes) });
  me.on('signal', (signal) => {
    const { talking } = ('state' in signal ? signal.state : {}) as { talking?: { peerId: string; is: boolean } };
    if (talking?.is) chosen.spoke(talking.peerId);
  });
  receiveFromNode(me, receiver, { others: 'off' });
  for (const [i, id] of [...cameras.keys()].entries()) chosen.show(id, i < PAGE.tiles ? PAGE.lines : 0);
  // Sizes that nobody wants are switched off after two seconds.
  await sleep(15_000);
  const sum = () => [...cameras.values()].reduce((total, camera) => total + camera.sent, 0);
  const [arrived, sent, at] = [receiver.bytes, sum(), performance.now()];
  await sleep(seconds * 1000);
  const elapsed = (performance.now() - at) / 1000;
  const result = {
    mbps: ((receiver.bytes - arrived) * 8) / 1e6 / elapsed,
    upMbps: ((sum() - sent) * 8) / 1e6 / elapsed,
    sizes: (['high', 'mid', 'low', 'off'] as const)
      .map((layer) => `${[...cameras.keys()].filter((id) => chosen.layer(id) === layer).length} ${layer}`)
      .join(', '),
  };
  for (const session of [...sessions, me]) session.close();
  for (const camera of cameras.values()) camera.close();
  receiver.close();
  return result;
}

/** What encrypts: libsrtp as `npm run media:engine` built it, or Debian's. */
function srtpOf(): string {
  const engine = process.env.JANUS ? undefined : cachedEngine();
  const { rebuilt } = engine ? JSON.parse(readFileSync(join(engine, 'engine.json'), 'utf8')) : { rebuilt: undefined };
  return rebuilt ?? 'libsrtp as packaged (Debian: on NSS)';
}

const verdict = (isMet: boolean) => (isMet ? 'met' : 'MISSED');

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      receivers: { type: 'string', default: '1,10,100' },
      people: { type: 'string', default: '50' },
      seconds: { type: 'string', default: '10' },
      'event-loops': { type: 'string', default: String(availableParallelism()) },
    },
  });
  const seconds = Number(values.seconds);
  const { startJanusEngine } = await import('../infra/media-node/src/janus-engine.ts');
  const { testEngine } = await import('../test/support/media-stack.ts');
  const { ownAddress } = await import('../test/support/media-peer.ts');
  const runDir = mkdtempSync(join(tmpdir(), 'bench-media-'));
  const rows: Row[] = [];
  try {
    await using engine = await startJanusEngine({
      program: testEngine(),
      address: ownAddress,
      runDir,
      mediaPorts: [30_000, 30_999],
      eventLoops: Number(values['event-loops']),
      complain: (line) => console.error(line),
    });
    for (const receivers of values.receivers.split(',').map(Number)) rows.push(await cost(engine, receivers, seconds));
    console.log(`\nJanus ${engine.version}, ${srtpOf()}; one camera in three sizes, all receive the largest\n`);
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
  console.log(
    table([
      [
        'receivers',
        'Mbit/s out',
        'ms CPU per Mbit',
        '% of a core',
        '% of a core per receiver',
        'lost %',
        `goal ${GOAL.msPerMbit}`,
      ],
      ...rows.map((row) => [
        String(row.receivers),
        fixed(row.mbps, 1),
        fixed(row.msPerMbit),
        fixed(row.core, 1),
        fixed(row.core / row.receivers),
        fixed(row.lost, 1),
        verdict(row.msPerMbit <= GOAL.msPerMbit),
      ]),
    ]),
  );
  const people = Number(values.people);
  // The library of the peers keeps the process alive: its threads end here.
  const { cleanup } = await import('node-datachannel');
  if (people < 2) return cleanup();
  const share = await largeRoom(people, seconds);
  console.log(
    `\n${people} in a room, 2 speak, ${PAGE.tiles} tiles of ${PAGE.lines} lines (${share.sizes}):\n` +
      `one person receives ${fixed(share.mbps)} Mbit/s (goal ${GOAL.mbps}: ${verdict(share.mbps <= GOAL.mbps)}), ` +
      `${fixed((share.mbps / 8) * 3.6)} GB an hour; the others send ${fixed(share.upMbps, 1)} Mbit/s together`,
  );
  cleanup();
}
