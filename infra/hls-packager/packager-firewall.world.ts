/**
 * Run by packager-firewall.test.ts in a network of its own: what a user that the rules name sends, and what it receives. `node packager-firewall.world.ts open|closed` prints it
 * as JSON. ECS turns 169.254.170.2 into a port of loopback in front of the filter; so does a rule here.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { packagerFirewallCommands } from '../topology/packager-firewall.ts';

/** The packager's user here: any that is not the one that sends. */
const USER = 65_534;
const run = (command: string) => execFileSync('sh', ['-c', command]);

run('ip link set lo up');
run(
  'ip link add d0 type veth peer name d1 && ip link set d0 up && ip link set d1 up && ip addr add 198.51.100.1/24 dev d0 && ip route add default dev d0',
);
const credentials = createServer((socket) => socket.on('error', () => {}).end('credentials')).listen(
  51_679,
  '127.0.0.1',
);
await once(credentials, 'listening');
run('iptables -w -t nat -A OUTPUT -d 169.254.170.2 -p tcp --dport 80 -j REDIRECT --to-ports 51679');
if (process.argv[2] === 'closed') for (const command of packagerFirewallCommands(USER)) run(command);

/** What the packager's user does: receives one packet, then connects and sends wherever it can. */
const attempts = `
const { createSocket } = require('node:dgram');
const { connect } = require('node:net');
const tcp = (host, port) => new Promise((done) => {
  const socket = connect({ host, port, timeout: 1500 });
  socket.on('connect', () => done(true)).on('error', () => done(false)).on('timeout', () => { socket.destroy(); done(false); });
});
const udp = (host) => new Promise((done) => createSocket('udp4').send('x', 9, host, (error) => done(!error)));
const receiver = createSocket('udp4').bind(0, '127.0.0.1', () => console.log(receiver.address().port));
receiver.once('message', async () => {
  const sent = { credentials: await tcp('169.254.170.2', 80), loopback: await tcp('127.0.0.1', 51679) };
  for (const host of ['169.254.169.254', '198.51.100.9', '127.0.0.1', '127.0.0.53']) sent[host] = await udp(host);
  console.log(JSON.stringify(sent));
  process.exit(0);
});`;
const packager = spawn(process.execPath, ['-e', attempts], {
  uid: USER,
  gid: USER,
  stdio: ['ignore', 'pipe', 'inherit'],
});
let text = '';
packager.stdout.on('data', (data: Buffer) => {
  const isFirst = !text.includes('\n');
  text += data.toString();
  if (isFirst && text.includes('\n')) createSocket('udp4').send('media', Number(text.split('\n')[0]), '127.0.0.1');
});
await once(packager, 'exit');
console.log(text.split('\n')[1]);
process.exit(0);
