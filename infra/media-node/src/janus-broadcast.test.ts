/** What a broadcast asks of Janus around its end; that it shows anything is in test/streams-viewers.test.ts. */
import { expect, test } from 'vitest';
import { JanusBroadcast } from './janus-broadcast.ts';
import type { JanusClient, JanusHandle } from './janus-client.ts';

type Host = ConstructorParameters<typeof JanusBroadcast>[0];

test('what forwards is stopped before its ports are given back, where the next room may get them', async () => {
  const asked: string[] = [];
  const ports = [
    { mid: '0', port: 5000 },
    { mid: '1', port: 5002, rtcp_port: 5003 },
  ];
  const handle = (kind: string) => ({
    message: async (body: { request: string; stream_id?: number }) => {
      asked.push([kind, body.request, body.stream_id].filter((part) => part !== undefined).join(' '));
      if (body.request === 'rtp_forward') return { data: { forwarders: [{ stream_id: 7 }, { stream_id: 8 }] } };
      if (body.request === 'watch') throw new Error('no');
      return { data: { stream: { ports } } };
    },
    detach: async () => void asked.push(`${kind} detach`),
  });
  const client = { attach: async () => handle('streaming') } as unknown as JanusClient;
  const control = handle('videoroom') as unknown as JanusHandle;
  const mids = new Map([
    ['audio', '0'],
    ['video', '1'],
  ]);
  const feed = { id: 'f1', mids, videoCodec: 'vp8', hasLayers: false } as unknown as Host['feed'];
  const broadcast = new JanusBroadcast({ room: 'r', client, control, feed, first: 'audio', ended: () => {} });
  // Its only viewer comes to nothing: with it the broadcast ends.
  await expect(broadcast.watch('v=0', {} as never)).rejects.toThrow('no');
  await expect.poll(() => asked.at(-1)).toBe('streaming detach');
  const order = asked.filter((one) => /forward|destroy/.test(one));
  expect(order).toEqual([
    'videoroom rtp_forward',
    'videoroom stop_rtp_forward 7',
    'videoroom stop_rtp_forward 8',
    'streaming destroy',
  ]);
});

test('who comes while the last viewer goes is shown the same publisher, by a mountpoint of its own', async () => {
  const mountpoints = new Set<string>();
  const removing = Promise.withResolvers<void>();
  const handle = {
    message: async ({ request, id = '' }: { request: string; id?: string }) => {
      if (request === 'create') {
        // JANUS_STREAMING_ERROR_CANT_CREATE
        if (mountpoints.has(id)) throw new Error('A stream with the provided ID already exists');
        mountpoints.add(id);
      }
      if (request === 'destroy') {
        await removing.promise;
        mountpoints.delete(id);
      }
      return { data: {}, sdp: 'v=0' };
    },
    detach: async () => {},
  };
  const client = { attach: async () => handle } as unknown as JanusClient;
  const feed = { id: 'f1', mids: new Map(), videoCodec: 'vp8', hasLayers: false } as unknown as Host['feed'];
  const broadcast = () =>
    new JanusBroadcast({ room: 'r', client, control: handle as JanusHandle, feed, first: 'audio', ended: () => {} });
  const leg = await broadcast().watch('v=0', {} as never);
  await leg.close();
  expect((await broadcast().watch('v=0', {} as never)).answer).toBe('v=0');
  removing.resolve();
  await expect.poll(() => mountpoints.size).toBe(1);
});
