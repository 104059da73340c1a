/** One media node with real signaling, Redis and Janus, and who publishes, watches and joins there until the test ends. */
import { expect, onTestFinished, vi } from 'vitest';
import type { MediaNodeConfig } from '../../infra/media-node/src/config.ts';
import type { MediaNode } from '../../infra/media-node/src/media-node.ts';
import type { RtpSender, RtpViewer } from '../../infra/media-node/src/testing/rtp-peer.ts';
import { SignalingSession } from '../../packages/rtc/src/index.ts';
import { flows, joinMedia, type MediaPeer } from './media-peer.ts';
import { type MediaStack, startMediaStack } from './media-stack.ts';
import { publish, type StreamClient, watch } from './stream-client.ts';

export const WAIT = { timeout: 30_000, interval: 50 };

export interface StreamStack extends AsyncDisposable {
  readonly media: MediaStack;
  readonly node: MediaNode;
  readonly origin: string;
  /** Where encoders publish into `room`. */
  endpoint(room: string): string;
  encoder(room: string, token?: string): Promise<StreamClient>;
  /** @param at origin of a node, where it is not {@link StreamStack.node} */
  viewer(room: string, token: string, at?: string): Promise<StreamClient<RtpViewer>>;
  /** A member of the room who receives the media of the node. */
  person(room: string, name: string, grants?: object): Promise<MediaPeer>;
}

/** @param firstPort of a thousand UDP ports @param config settings of the node that differ from those of tests */
export async function startStreamStack(firstPort: number, config: Partial<MediaNodeConfig> = {}): Promise<StreamStack> {
  const media = await startMediaStack({ from: 9, node: config });
  const node = await media.mediaNode('m1', firstPort);
  const origin = `http://127.0.0.1:${node.httpPort}`;
  const endpoint = (room: string) => `${origin}/whip/${room}`;
  return {
    media,
    node,
    origin,
    endpoint,
    async encoder(room, token) {
      const client = await publish(endpoint(room), token ?? (await media.keys.token(`${room}-encoder`)));
      onTestFinished(() => client.close());
      return client;
    },
    async viewer(room, token, at = origin) {
      const client = await watch(`${at}/whep/${room}`, token);
      onTestFinished(() => client.close());
      return client;
    },
    async person(room, name, grants = {}) {
      const token = await media.keys.token(name, grants);
      const peer = await joinMedia(new SignalingSession({ url: media.url, getToken: async () => token }), room, name);
      onTestFinished(() => peer.close());
      return peer;
    },
    [Symbol.asyncDispose]: () => media[Symbol.asyncDispose](),
  };
}

/** Packets of sound and of the picture come now. */
export async function sees({ peer }: StreamClient<RtpViewer>): Promise<boolean> {
  const before = new Map(peer.packets);
  await new Promise((resolve) => setTimeout(resolve, 200));
  return ['0', '1'].every((mid) => (peer.packets.get(mid) ?? 0) > (before.get(mid) ?? 0));
}
export const seeing = (client: StreamClient<RtpViewer>) =>
  vi.waitFor(async () => expect(await sees(client)).toBe(true), WAIT);

export const connected = (client: StreamClient<RtpSender | RtpViewer>) =>
  vi.waitFor(() => expect(client.peer.state).toBe('connected'), WAIT);
export const flowing = (peer: MediaPeer) => vi.waitFor(async () => expect(await flows(peer)).toBe(true), WAIT);

/** The session is gone: by its id, or with the token of who opened it. */
export async function isOver(client: StreamClient<RtpSender | RtpViewer>): Promise<void> {
  await vi.waitFor(async () => expect([401, 404]).toContain((await client.request('DELETE')).status), WAIT);
}
