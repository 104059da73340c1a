/** A TURN client (RFC 8656): one allocation over UDP, TCP or TLS, through which data can be sent and received. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ATTRIBUTE,
  attribute,
  type Credentials,
  decode,
  decodeAddress,
  encode,
  encodeAddress,
  errorCode,
  newTransaction,
  type StunMessage,
  type TransportAddress,
  TYPE,
  uint32,
} from './stun-message.ts';
import type { TurnUri } from './turn-uri.ts';
import { openWire, type TurnWire } from './turn-wire.ts';

/** Between two sendings of a request over UDP, ms (RFC 8489 section 6.2.1: RTO). */
const REPEAT_MS = 500;

export interface TurnUser {
  readonly username: string;
  readonly credential: string;
}

export interface Allocation extends AsyncDisposable {
  /** Where the relay receives for this allocation. */
  readonly relayed: TransportAddress;
  /** Let packets of this address in. @throws TurnRefusedError 403 when the relay refuses the peer */
  permit(peer: TransportAddress): Promise<void>;
  /** Send one packet to a peer, unreliable as UDP. */
  send(peer: TransportAddress, data: Buffer): void;
  /** Called with each packet that a permitted peer sent. */
  onData: (data: Buffer) => void;
}

/** An error answer of the server: 401 is "credentials refused", 403 "peer refused", 486 "quota reached". */
export class TurnRefusedError extends Error {
  override name = 'TurnRefusedError';
  readonly code: number;
  constructor(code: number, meaning: string) {
    super(`the relay answers ${code}: ${meaning}`);
    this.code = code;
  }
}

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'bad request',
  401: 'credentials refused',
  403: 'peer refused',
  437: 'no such allocation',
  438: 'stale nonce',
  441: 'wrong credentials',
  486: 'quota reached',
  508: 'no relay port is free',
};

/**
 * Make an allocation. Disposing gives it back.
 * @throws TurnRefusedError when the server refuses; Error when it does not answer within `timeoutMs`
 */
export async function allocate(uri: TurnUri, user: TurnUser, timeoutMs: number): Promise<Allocation> {
  const wire = await openWire(uri, timeoutMs);
  try {
    return await openAllocation(new TurnRequests(wire, user, timeoutMs));
  } catch (error) {
    wire[Symbol.dispose]();
    throw error;
  }
}

async function openAllocation(requests: TurnRequests): Promise<Allocation> {
  // 17 is UDP in the registry of IP protocols.
  const answer = await requests.send(TYPE.allocate, () => [
    attribute(ATTRIBUTE.requestedTransport, Buffer.from([17, 0, 0, 0])),
  ]);
  const relayed = decodeAddress(answer.attributes.get(ATTRIBUTE.xorRelayedAddress), answer.transaction);
  if (!relayed) throw new Error('the relay names no relayed address');
  const allocation: Allocation = {
    relayed,
    onData: () => {},
    permit: async (peer) => {
      await requests.send(TYPE.createPermission, (transaction) => [
        attribute(ATTRIBUTE.xorPeerAddress, encodeAddress(peer, transaction)),
      ]);
    },
    send: (peer, data) => requests.indicate(peer, data),
    [Symbol.asyncDispose]: async () => {
      // Lifetime 0 ends it at once; a server that is away by now ends it by itself after ten minutes.
      await requests.send(TYPE.refresh, () => [attribute(ATTRIBUTE.lifetime, uint32(0))]).catch(() => undefined);
      requests.wire[Symbol.dispose]();
    },
  };
  requests.onData = (data) => allocation.onData(data);
  return allocation;
}

/** Requests with their answers, their repetition, and the server's challenge. */
class TurnRequests {
  readonly wire: TurnWire;
  onData: (data: Buffer) => void = () => {};
  readonly #user: TurnUser;
  readonly #timeoutMs: number;
  #challenge: { realm: Buffer; nonce: Buffer } | undefined;
  readonly #waiting = new Map<string, PromiseWithResolvers<StunMessage>>();
  #broken: Error | undefined;

  constructor(wire: TurnWire, user: TurnUser, timeoutMs: number) {
    this.wire = wire;
    this.#user = user;
    this.#timeoutMs = timeoutMs;
    wire.onMessage = (bytes) => this.#read(bytes);
    wire.onError = (error) => {
      this.#broken ??= error;
      for (const waiting of this.#waiting.values()) waiting.reject(error);
    };
  }

  /** @throws TurnRefusedError, or Error when there is no answer */
  async send(type: number, body: (transaction: Buffer) => Buffer[]): Promise<StunMessage> {
    for (let round = 0; ; round += 1) {
      const transaction = newTransaction();
      const answer = await this.#exchange(
        encode(type, transaction, body(transaction), this.#credentials()),
        transaction,
      );
      const code = errorCode(answer);
      if (code === 0) return answer;
      const challenged = (code === 401 && !this.#challenge) || code === 438;
      if (!challenged || round > 2) throw new TurnRefusedError(code, MEANINGS[code] ?? 'refused');
      const [realm, nonce] = [answer.attributes.get(ATTRIBUTE.realm), answer.attributes.get(ATTRIBUTE.nonce)];
      if (!realm || !nonce) throw new Error('the relay challenges without realm and nonce');
      this.#challenge = { realm, nonce };
    }
  }

  indicate(peer: TransportAddress, data: Buffer): void {
    const transaction = newTransaction();
    const body = [
      attribute(ATTRIBUTE.xorPeerAddress, encodeAddress(peer, transaction)),
      attribute(ATTRIBUTE.data, data),
    ];
    this.wire.send(encode(TYPE.sendIndication, transaction, body));
  }

  #credentials(): Credentials | undefined {
    return this.#challenge && { ...this.#user, ...this.#challenge };
  }

  async #exchange(request: Buffer, transaction: Buffer): Promise<StunMessage> {
    if (this.#broken) throw this.#broken;
    const id = transaction.toString('hex');
    const waiting = Promise.withResolvers<StunMessage>();
    this.#waiting.set(id, waiting);
    const over = new AbortController();
    const timer = setTimeout(
      () => waiting.reject(new Error(`no answer within ${this.#timeoutMs / 1000} s`)),
      this.#timeoutMs,
    );
    try {
      this.wire.send(request);
      if (this.wire.lossy) void this.#repeat(request, over.signal);
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      over.abort();
      this.#waiting.delete(id);
    }
  }

  async #repeat(request: Buffer, signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(REPEAT_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      this.wire.send(request);
    }
  }

  #read(bytes: Buffer): void {
    const message = decode(bytes);
    if (!message) return;
    if (message.type !== TYPE.dataIndication) {
      this.#waiting.get(message.transaction.toString('hex'))?.resolve(message);
      return;
    }
    const data = message.attributes.get(ATTRIBUTE.data);
    if (data) this.onData(data);
  }
}
