/** A recording that is over, as signaling and a media node leave it. */
import { newRecordingId, prefixOf, type RecordingStore, waitingOf } from '@tandem/service/recordings';

/** @param sound what Janus wrote of its one track */
export async function keepRecording(
  store: RecordingStore,
  roomId: string,
  sound: Buffer,
): Promise<{ readonly id: string; readonly prefix: string }> {
  const id = newRecordingId();
  const prefix = prefixOf(roomId, id);
  await store.put(`${waitingOf(prefix)}begun`, '');
  await store.put(`${prefix}recording.json`, JSON.stringify({ id, roomId, startedAt: 1000, startedBy: 'ada' }));
  const people = [{ n: 1, peerId: 'ada' }];
  const node = { epoch: 1, people, updatedAt: 2000, endedAt: 2000, why: 'stopped' };
  await store.put(`${prefix}node-1.json`, JSON.stringify(node));
  await store.put(`${prefix}parts/1-1-audio-0/000001`, sound);
  return { id, prefix };
}

/** Silence as Janus writes it: header, then each RTP packet behind its time (https://janus.conf.meetecho.com/docs/recordings.html). */
export function silence(seconds = 2): Buffer {
  const header = Buffer.from(JSON.stringify({ t: 'a', c: 'opus', d: 'audio', s: 1_000_000, u: 1_000_000 }));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(header.length);
  const packets = Array.from({ length: seconds * 50 }, (_, i) => {
    const packet = Buffer.alloc(6 + 12 + 3);
    packet.writeUInt32BE(i * 20, 0);
    packet.writeUInt16BE(12 + 3, 4);
    packet.writeUInt16BE(0x806f, 6);
    packet.writeUInt16BE(i, 8);
    packet.writeUInt32BE(i * 960, 10);
    packet.writeUInt32BE(7, 14);
    // 20 ms of Opus without a sound.
    Buffer.from([0xf8, 0xff, 0xfe]).copy(packet, 18);
    return Buffer.concat([Buffer.from('MEET'), packet]);
  });
  return Buffer.concat([Buffer.from('MJR00002'), length, header, ...packets]);
}
