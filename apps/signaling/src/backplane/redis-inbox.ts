/**
 * A node's inbox: its subscription, which is replaced when it turns out to be deaf, and what is published to others. Sharded pub/sub
 * in a Cluster (a publish stays in its shard), plain pub/sub elsewhere (the same cost there, and any version has it).
 */
import { randomBytes } from 'node:crypto';
import type { RedisClient } from '@tandem/service';
import type { RedisCommands } from './redis-commands.ts';
import type { BackplaneHandlers } from './types.ts';

export interface RedisInboxOptions {
  readonly commands: RedisCommands;
  /** Cluster: publishes and subscriptions are sharded. */
  readonly sharded: boolean;
  /** Opens a connection for a subscription. */
  readonly connect: () => RedisClient;
  /** Channel of a node. */
  readonly channel: (node: string) => string;
  /** A probe that takes longer means a deaf subscription, ms. */
  readonly probeTimeout: number;
}

/** First byte of a probe in an inbox; batches start with their version, 1 or more. */
const PROBE = 0;

/** The last probe: good when it was heard, and counted as heard where it was published. */
interface Probe {
  readonly nonce: string;
  readonly sentAt: number;
  heard: boolean;
  counted: boolean;
}

export class RedisInbox {
  /** Deaf subscriptions replaced since the start. */
  resubscriptions = 0;
  readonly #options: RedisInboxOptions;
  #node = '';
  #handlers: BackplaneHandlers | undefined;
  #subscriber: RedisClient | undefined;
  #subscribing: Promise<void> | undefined;
  #probe: Probe | undefined;
  /** The subscription was made anew: what was published meanwhile is lost, and a heard probe says that this is over. */
  #gap = false;
  #closed = false;

  constructor(options: RedisInboxOptions) {
    this.#options = options;
  }

  open(node: string, handlers: BackplaneHandlers): Promise<void> {
    this.#node = node;
    this.#handlers = handlers;
    return this.ensureSubscribed();
  }

  close(): void {
    this.#closed = true;
    this.#subscriber?.disconnect();
  }

  /** @returns listeners. A Cluster counts those of the slot's primary, which is where {@link probe} keeps the one of every node. */
  publish(node: string, batch: Buffer): Promise<number> {
    const { commands, sharded, channel } = this.#options;
    const name = channel(node);
    return commands.guard(() => {
      const heard = sharded ? commands.client.spublish(name, batch) : commands.client.publish(name, batch);
      commands.flush();
      return heard;
    }) as Promise<number>;
  }

  ensureSubscribed(): Promise<void> {
    if (this.#subscriber) return Promise.resolve();
    this.#subscribing ??= this.#subscribe().finally(() => {
      this.#subscribing = undefined;
    });
    return this.#subscribing;
  }

  /**
   * A subscription can stay connected and deaf after a failover, or hear through a replica, where no publish counts it. So the node
   * publishes to itself, and expects to be counted and to hear it; otherwise it subscribes anew.
   */
  async probe(): Promise<void> {
    const last = this.#probe;
    if (last && !(last.heard && last.counted)) {
      if (performance.now() - last.sentAt <= this.#options.probeTimeout) return;
      this.resubscriptions++;
      this.#probe = undefined;
      this.#subscriber?.disconnect();
      this.#subscriber = undefined;
      await this.ensureSubscribed();
      this.#handlers?.onStale('the inbox was deaf');
      return;
    }
    const nonce = randomBytes(8);
    const probe = { nonce: nonce.toString('hex'), sentAt: performance.now(), heard: false, counted: false };
    this.#probe = probe;
    probe.counted = (await this.publish(this.#node, Buffer.concat([Buffer.from([PROBE]), nonce]))) > 0;
  }

  async #subscribe(): Promise<void> {
    const { commands, sharded, connect } = this.#options;
    const subscriber = connect();
    subscriber.on('error', () => {});
    const channel = this.#options.channel(this.#node);
    const onMessage = (_channel: Buffer, batch: Buffer) => {
      if (batch[0] === PROBE) this.#onProbe(batch);
      else this.#handlers?.onBatch(batch);
    };
    subscriber.on(sharded ? 'smessageBuffer' : 'messageBuffer', onMessage);
    try {
      await commands.guard(() => (sharded ? subscriber.ssubscribe(channel) : subscriber.subscribe(channel)));
    } catch (error) {
      subscriber.disconnect();
      throw error;
    }
    if (this.#closed) {
      subscriber.disconnect();
      return;
    }
    subscriber.on(sharded ? 'subscribersReady' : 'ready', () => {
      this.#gap = true;
      this.#probe = undefined;
    });
    this.#subscriber = subscriber;
    this.#probe = undefined;
  }

  #onProbe(batch: Buffer): void {
    if (this.#probe?.nonce !== batch.toString('hex', 1)) return;
    this.#probe.heard = true;
    if (!this.#gap) return;
    this.#gap = false;
    this.#handlers?.onStale('resubscribed');
  }
}
