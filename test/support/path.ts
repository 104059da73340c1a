/**
 * A network path between browsers and a service, in one process, for kernels without `sch_netem`: it delays, it is narrow, it can be cut.
 * HTTP and WebSockets go through a proxy. Media goes through UDP forwarders: the proxy gives each candidate that passes through
 * it (in descriptions too) the address of a forwarder of its own, so no browser ever learns another's real address.
 */
import { createSocket, type Socket } from 'node:dgram';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { random } from '../../packages/rtc/src/testing.ts';

export interface NetworkPath extends AsyncDisposable {
  /** Use this in place of the service's own origin. */
  readonly origin: string;
  /** Datagrams forwarded so far: media really takes this path. */
  readonly datagrams: number;
  /** Nothing passes any more: sockets end, new ones are refused, datagrams vanish. */
  cut(): void;
  /** @param elsewhere as after a move to another network: what was sent to the old addresses stays lost */
  mend(elsewhere?: boolean): Promise<void>;
  /** From now on the datagrams have these limits, in place of those of before; none named: no limit. */
  limit(limits: PathLimits): void;
}

const CANDIDATE = /(candidate:\S+ \d+ udp \d+ )(\S+) (\d+)( typ )/gi;
/** Bound beforehand, because a frame that passes through cannot wait for a socket. */
const SPARE_FORWARDERS = 48;

const listen = (socket: Socket) =>
  new Promise<Forwarder>((done) => socket.bind(0, '127.0.0.1', () => done({ socket, port: socket.address().port })));
interface Forwarder {
  readonly socket: Socket;
  readonly port: number;
}

export interface PathLimits {
  /** What one sender's datagrams to one receiver may fill, kbit/s; those that would wait over 300 ms are dropped. Default: no limit. */
  readonly kbitPerSecond?: number;
  /** Share of the datagrams that are dropped, each on its own by seeded chance, in each direction. Default 0. */
  readonly loss?: number;
}

export interface PathOptions extends PathLimits {
  /** Delay of each message and datagram, in each direction, ms. Default 0. */
  readonly oneWayMs?: number;
}

/** As long as the queues of home routers are said to be at least, ms. */
const QUEUE_MS = 300;

export async function startPath(service: string, options: PathOptions = {}): Promise<NetworkPath> {
  const { oneWayMs = 0 } = options;
  let limits: PathLimits = options;
  const chance = random(1);
  const target = new URL(service);
  let open = true;
  let datagrams = 0;
  const sockets = new Set<Socket>();
  const spare: Forwarder[] = [];
  const fronts = new Map<string, number>();
  const ours = new Set<number>();
  const later = (run: () => void, ms = oneWayMs) => (ms > 0 ? void setTimeout(run, ms) : run());

  const newSocket = (type: 'udp4' | 'udp6'): Socket => {
    const socket = createSocket(type).on('error', () => {});
    sockets.add(socket);
    return socket;
  };
  const refill = async (): Promise<void> => {
    while (spare.length < SPARE_FORWARDERS) spare.push(await listen(newSocket('udp4')));
  };
  const closeSockets = (): void => {
    for (const socket of sockets) socket.close();
    sockets.clear();
    spare.length = 0;
    fronts.clear();
    ours.clear();
  };
  /** When the line out of a socket is free again. */
  const freeAt = new WeakMap<Socket, number>();
  const pass = (through: Socket, datagram: Buffer, port: number, address: string): void => {
    if (!open) return;
    datagrams++;
    const { kbitPerSecond = Infinity, loss = 0 } = limits;
    if (loss > 0 && chance() < loss) return;
    const now = performance.now();
    const begin = Math.max(now, freeAt.get(through) ?? 0);
    if (begin - now > QUEUE_MS) return;
    const sent = begin + (datagram.length * 8) / kbitPerSecond;
    freeAt.set(through, sent);
    later(() => open && sockets.has(through) && through.send(datagram, port, address), oneWayMs + sent - now);
  };
  /** The forwarder in front of a candidate: like a NAT, each sender gets an outward port of its own. */
  const frontOf = (address: string, port: number): number => {
    const key = `${address} ${port}`;
    const known = fronts.get(key);
    if (known !== undefined) return known;
    const front = spare.pop();
    if (!front) throw new Error('no spare forwarder');
    fronts.set(key, front.port);
    ours.add(front.port);
    void refill();
    const outward = new Map<number, Socket>();
    front.socket.on('message', (datagram, from) => {
      let out = outward.get(from.port);
      if (!out) {
        out = newSocket(address.includes(':') ? 'udp6' : 'udp4');
        out.on('message', (answer) => pass(front.socket, answer, from.port, from.address));
        outward.set(from.port, out);
      }
      pass(out, datagram, port, address);
    });
    return front.port;
  };
  const rewrite = (frame: string) =>
    frame.replace(CANDIDATE, (_all, head: string, address: string, port: string, tail: string) =>
      // Both browsers may be behind this path: what is a forwarder already stays.
      ours.has(Number(port)) ? _all : `${head}127.0.0.1 ${frontOf(address, Number(port))}${tail}`,
    );

  /** A description or candidates over HTTP (WHIP, WHEP) are read whole, for the addresses in them. */
  const described = async (message: IncomingMessage): Promise<string | undefined> => {
    if (!/^application\/(sdp|trickle-ice-sdpfrag)/.test(message.headers['content-type'] ?? '')) return undefined;
    return rewrite(Buffer.concat(await message.toArray()).toString());
  };
  const withLength = (headers: IncomingHttpHeaders, text: string | undefined) =>
    text === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(text)) };
  const proxy = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!open) {
      request.destroy();
      return;
    }
    const text = await described(request);
    const { method, url: path } = request;
    const headers = withLength(request.headers, text);
    later(() => {
      const inner = httpRequest({ host: target.hostname, port: target.port, method, path, headers }, async (answer) => {
        const answered = await described(answer);
        later(() => {
          response.writeHead(answer.statusCode ?? 502, withLength(answer.headers, answered));
          if (answered === undefined) answer.pipe(response);
          else response.end(answered);
        });
      });
      inner.on('error', () => response.destroy());
      if (text === undefined) request.pipe(inner);
      else inner.end(text);
    });
  };
  const server = createServer((request, response) => void proxy(request, response).catch(() => response.destroy()));
  const acceptor = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on('upgrade', (request, socket, head) => {
    if (!open) {
      socket.destroy();
      return;
    }
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((p) => p.trim());
    const inner = new WebSocket(`ws://${target.host}${request.url}`, protocols, {
      headers: { origin: request.headers.origin ?? '' },
      perMessageDeflate: false,
    });
    inner.on('error', () => socket.destroy());
    inner.on('open', () => {
      inner.pause();
      // The connection's own round trip, and that of the upgrade.
      later(() => {
        request.headers['sec-websocket-protocol'] = inner.protocol;
        acceptor.handleUpgrade(request, socket, head, (outer) => {
          join(outer, inner);
          join(inner, outer);
          inner.resume();
        });
      }, oneWayMs * 4);
    });
  });
  const join = (from: WebSocket, to: WebSocket): void => {
    from.on('message', (data, binary) => {
      const frame = binary ? (data as Buffer) : rewrite(String(data));
      later(() => open && to.readyState === WebSocket.OPEN && to.send(frame, { binary }));
    });
    from.on('close', (code, reason) => {
      // 1005 and 1006 are what an end without a close frame is called; they are not to be sent.
      later(() => (code === 1005 || code === 1006 ? to.terminate() : to.close(code, reason)));
    });
    from.on('error', () => {});
  };

  await refill();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get datagrams() {
      return datagrams;
    },
    cut: () => {
      open = false;
      server.closeAllConnections();
      for (const outer of acceptor.clients) outer.terminate();
    },
    limit: (next) => {
      limits = next;
    },
    mend: async (elsewhere = false) => {
      if (elsewhere) {
        closeSockets();
        await refill();
      }
      open = true;
    },
    [Symbol.asyncDispose]: async () => {
      open = false;
      for (const outer of acceptor.clients) outer.terminate();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      closeSockets();
    },
  };
}
