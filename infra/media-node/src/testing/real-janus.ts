/** Janus as it is installed, and clients that send and receive real packets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachedEngine } from '../../../../scripts/lib/media-engine.mjs';
import type { Engine } from '../engine.ts';
import type { JanusSettings } from '../janus-process.ts';
import { janusProgram } from '../location.ts';
import type { EngineHarness } from './contract-clients.ts';
import { RtpReceiver, RtpSender } from './rtp-peer.ts';

/** The machine's own: libnice gathers nothing on loopback, and then offers every interface. */
export const address = Object.values(networkInterfaces())
  .flat()
  .find((i) => i?.family === 'IPv4' && !i.internal)?.address;
export const program = janusProgram(process.env.JANUS ?? cachedEngine() ?? 'janus');

const folders: string[] = [];
const peers: { close(): void }[] = [];

/** @param ports of which no other test has one */
export function janusSettings(ports: readonly [number, number]): JanusSettings {
  const runDir = mkdtempSync(join(tmpdir(), 'janus-test-'));
  folders.push(runDir);
  if (!address) throw new Error('these tests need one address that is not loopback');
  return { program, runDir, address, mediaPorts: ports, eventLoops: 2, complain: () => {} };
}

/** @param PeerThatSends default: one that sends a packet in each slot every 20 ms */
export const janusHarness = (engine: () => Engine, PeerThatSends = RtpSender): EngineHarness => ({
  engine,
  sender(name, slots) {
    const peer = new PeerThatSends(name, address ?? '', slots);
    peers.push(peer);
    return peer;
  },
  receiver(name) {
    const peer = new RtpReceiver(name, address ?? '');
    peers.push(peer);
    return Object.assign(peer, {
      async flows(mid: string) {
        const before = peer.packets.get(mid) ?? 0;
        await new Promise((resolve) => setTimeout(resolve, 150));
        return (peer.packets.get(mid) ?? 0) > before;
      },
    });
  },
});

/** After the engine. */
export function clearJanus(): void {
  for (const peer of peers.splice(0)) peer.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
