/** (b) PeerJS server, as its package starts it. */
import type { AddressInfo } from 'node:net';
import { PeerServer } from 'peer';

PeerServer({ host: '127.0.0.1', port: 0, path: '/', concurrent_limit: 100_000, alive_timeout: 3_600_000 }, (server) => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
});
