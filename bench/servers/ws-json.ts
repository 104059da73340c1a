/**
 * The reference (a): what people write first. A bare `ws` relay that parses JSON, looks up a Map, stringifies, sends.
 * `join` puts a peer into a room and tells it who else is there, so that memory and joins compare as well. With REDIS_URL it
 * relays to peers of other nodes through one pub/sub inbox per node with a JSON envelope.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { type WebSocket, WebSocketServer } from 'ws';

interface Message {
  type: string;
  peerId: string;
  roomId?: string;
}

const node = process.argv[2] ?? 'n0';
const peers = new Map<string, WebSocket>();
const rooms = new Map<string, Set<string>>();
const redis = process.env.REDIS_URL ? new Redis(process.env.REDIS_URL) : undefined;
const subscriber = redis?.duplicate();
let count = 0;

const server = createServer();
const wss = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 65536 });
wss.on('connection', (socket) => {
  const id = `${node}.${++count}`;
  let room: string | undefined;
  peers.set(id, socket);
  socket.send(JSON.stringify({ type: 'welcome', peerId: id }));
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.type === 'join') {
      room = String(message.roomId);
      const members = rooms.get(room) ?? new Set<string>();
      rooms.set(room, members);
      for (const member of members) peers.get(member)?.send(JSON.stringify({ type: 'peer_joined', peerId: id }));
      socket.send(JSON.stringify({ type: 'joined', roomId: room, peers: [...members] }));
      members.add(id);
      return;
    }
    if (message.type === 'message' && message.peerId === undefined) {
      message.peerId = id;
      for (const member of rooms.get(room ?? '') ?? [])
        if (member !== id) peers.get(member)?.send(JSON.stringify(message));
      return;
    }
    const to = message.peerId;
    const target = peers.get(to);
    message.peerId = id;
    if (target) target.send(JSON.stringify(message));
    else if (redis)
      redis.publish(`inbox:${to.slice(0, to.indexOf('.'))}`, JSON.stringify({ to, message })).catch(() => {});
  });
  socket.on('close', () => {
    peers.delete(id);
    if (room !== undefined) {
      rooms.get(room)?.delete(id);
      if (rooms.get(room)?.size === 0) rooms.delete(room);
    }
  });
});

if (subscriber) {
  subscriber.on('message', (_channel, text) => {
    const { to, message } = JSON.parse(text) as { to: string; message: Message };
    peers.get(to)?.send(JSON.stringify(message));
  });
  await subscriber.subscribe(`inbox:${node}`);
}
server.listen(0, '127.0.0.1');
await once(server, 'listening');
console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
