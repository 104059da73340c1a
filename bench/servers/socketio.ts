/** (c) socket.io: the server stamps the sender and emits to the addressed socket. ADAPTER=redis|redis-streams with REDIS_URL. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter as createPubSub } from '@socket.io/redis-adapter';
import { createAdapter as createStreams } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

const server = createServer();
const io = new Server(server, { transports: ['websocket'], serveClient: false, perMessageDeflate: false });
const url = process.env.REDIS_URL;
if (url && process.env.ADAPTER === 'redis') io.adapter(createPubSub(new Redis(url), new Redis(url)));
else if (url) io.adapter(createStreams(new Redis(url), { maxLen: 1_000_000 }));
io.on('connection', (socket) => {
  socket.on('join', async (roomId: string) => {
    await socket.join(roomId);
    socket.to(roomId).emit('peer_joined', socket.id);
    socket.emit('joined', roomId);
  });
  socket.on('signal', (to: string, message: object) => {
    io.to(to).emit('signal', { ...message, peerId: socket.id });
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
