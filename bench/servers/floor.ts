/**
 * Not a server to use: the least that Node can do for a relayed message, to see how much of a ratio is Node and the kernel. The handshake
 * is by hand; each chunk is unmasked in place by four bytes at once, the addressee becomes the sender, and it leaves in one write. No
 * `ws`, no JSON, no check, no limit; frames that TCP cuts are held together by hand.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

const peers = new Map<string, Socket>();
const rooms = new Map<string, string[]>();
let count = 0;

const frame = (text: string) => Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);

const server = createServer();
server.on('upgrade', (request, stream) => {
  const socket = stream as Socket;
  const id = `n0.${String(++count).padStart(6, '0')}`;
  peers.set(id, socket);
  socket.setNoDelay();
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(frame(JSON.stringify({ type: 'welcome', peerId: id })));
  let rest: Buffer | undefined;
  socket.on('data', (data: Buffer) => {
    const chunk = rest ? Buffer.concat([rest, data]) : data;
    rest = undefined;
    let out = 0;
    let to: Socket | undefined;
    let at = 0;
    while (at < chunk.length) {
      const short = (chunk[at + 1] as number) & 127;
      const head = short === 126 ? 8 : 6;
      const length = short === 126 && at + 4 <= chunk.length ? chunk.readUInt16BE(at + 2) : short;
      if (at + head + length > chunk.length) {
        rest = Buffer.from(chunk.subarray(at));
        break;
      }
      const start = at + head;
      const mask = [0, 1, 2, 3].map((i) => chunk[start - 4 + i] as number);
      for (let i = 0; i < length; i++) chunk[start + i] = (chunk[start + i] as number) ^ (mask[i & 3] as number);
      at = start + length;
      const key = chunk.indexOf('"peerId":"', start);
      if (key === -1 || key > start + 60) {
        join(chunk.toString('latin1', start, at), id, socket);
        continue;
      }
      to = peers.get(chunk.toString('latin1', key + 10, key + 10 + id.length));
      chunk.write(id, key + 10, 'latin1');
      // The header without its mask, in front of the payload, over what was read already.
      chunk[out] = 0x81;
      chunk[out + 1] = short;
      if (short === 126) chunk.writeUInt16BE(length, out + 2);
      chunk.copyWithin(out + head - 4, start, at);
      out += head - 4 + length;
    }
    if (to) to.write(chunk.subarray(0, out));
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => peers.delete(id));
});

function join(text: string, id: string, socket: Socket): void {
  const { roomId } = JSON.parse(text) as { roomId: string };
  const members = rooms.get(roomId) ?? [];
  rooms.set(roomId, members);
  for (const member of members) peers.get(member)?.write(frame(JSON.stringify({ type: 'peer_joined', peerId: id })));
  socket.write(frame(JSON.stringify({ type: 'joined', roomId, peers: members })));
  members.push(id);
}

server.listen(0, '127.0.0.1');
await once(server, 'listening');
console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
