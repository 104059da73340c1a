import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { topology } from '../topology/index.ts';
import {
  composeSecrets,
  firewallPorts,
  firstVariables,
  hostAddresses,
  mergeVariables,
  publicVariables,
} from './public-host.ts';
import { composeFile } from './render.ts';

const domain = 'calls.example.org';

test('a host with the public address of its own, and one behind a NAT', () => {
  expect(hostAddresses({ domain, resolved: ['198.51.100.7'], own: ['198.51.100.7', '127.0.0.1'] })).toEqual({
    publicAddress: '198.51.100.7',
  });
  expect(hostAddresses({ domain, resolved: ['198.51.100.7'], own: ['10.0.0.5', '127.0.0.1'] })).toEqual({
    publicAddress: '198.51.100.7',
    privateAddress: '10.0.0.5',
  });
  // Of several records the one that is this host.
  expect(hostAddresses({ domain, resolved: ['203.0.113.1', '198.51.100.7'], own: ['198.51.100.7'] })).toEqual({
    publicAddress: '198.51.100.7',
  });
  const by = { address: '198.51.100.9', privateAddress: '192.168.1.4' };
  expect(hostAddresses({ domain, resolved: [], own: ['10.0.0.5'], ...by })).toEqual({
    publicAddress: '198.51.100.9',
    privateAddress: '192.168.1.4',
  });
});

test('a name that leads nowhere, or to an address that is not public, says the fix', () => {
  expect(() => hostAddresses({ domain, resolved: [], own: ['10.0.0.5'] })).toThrow(/Fix: make an A record/);
  for (const address of ['10.1.2.3', '172.31.0.1', '192.168.0.1', '100.64.0.1', '127.0.0.1', '169.254.1.1'])
    expect(() => hostAddresses({ domain, resolved: [address], own: [address] }), address).toThrow(
      'not reachable from outside',
    );
  expect(() => hostAddresses({ domain, resolved: [], own: [], address: 'example' })).toThrow('--address example');
});

test('.env keeps secrets and lines of the operator, and what follows from the host is set anew', () => {
  const secrets = ['one', 'two', 'three', 'four', 'more', 'five', 'six', 'seven', 'eight', 'nine'];
  const once = () => firstVariables(() => secrets.shift() ?? '');
  const first = mergeVariables('', publicVariables({ domain, publicAddress: '198.51.100.7' }), once());
  const edited = `# mine\n${first.replace('TANDEM_ACCESS=open', 'TANDEM_ACCESS=api-key')}TANDEM_TURN_PORT=3479\n`;
  const moved = publicVariables({ domain, publicAddress: '198.51.100.8', privateAddress: '10.0.0.5' });
  const second = mergeVariables(edited, moved, once());
  expect(second.split('\n')).toEqual(
    expect.arrayContaining([
      '# mine',
      'TANDEM_CACHE_PASSWORD=one',
      'TANDEM_TURN_SECRET=two',
      'TANDEM_MEDIA_SECRET=three',
      'TANDEM_WEBHOOK_KEY=four',
      'TANDEM_ACCESS=api-key',
      'TANDEM_TURN_PORT=3479',
      'TANDEM_ADDRESS=198.51.100.8',
      'TANDEM_PRIVATE_ADDRESS=10.0.0.5',
    ]),
  );
  expect(second).not.toMatch(/more|198\.51\.100\.7/);
  expect(mergeVariables(second, moved, once())).toBe(second);
  // A file of before media nodes gets what it lacks, and keeps the rest.
  const old = 'TANDEM_CACHE_PASSWORD=mine\nTANDEM_TURN_SECRET=too\n';
  expect(
    mergeVariables(
      old,
      {},
      composeSecrets(() => 'new'),
    ),
  ).toBe(`${old}TANDEM_MEDIA_SECRET=new\nTANDEM_WEBHOOK_KEY=new\n`);
});

test('every variable that is written is one that compose.yaml asks for', () => {
  const asked = JSON.stringify(composeFile());
  const written = { ...publicVariables({ domain, publicAddress: '198.51.100.7' }), ...firstVariables(() => 's') };
  for (const name of Object.keys(written).filter((one) => one !== 'COMPOSE_PROFILES'))
    expect(asked, name).toContain(`\${${name}:`);
  expect(composeFile().services.tls.profiles).toEqual([written.COMPOSE_PROFILES]);
});

test('the firewall list is what the containers listen on', () => {
  const { turn } = topology;
  const ports = firewallPorts().map(([port]) => port);
  const { tls, turn: node } = composeFile().services;
  for (const published of tls.ports) expect(ports).toContain(`${published.split(':').at(-1)}/tcp`);
  expect(ports).toEqual(expect.arrayContaining([`${turn.port}/udp`, `${turn.port}/tcp`, `${turn.tlsPort}/tcp`]));
  const { RELAY_MIN_PORT, RELAY_MAX_PORT } = node.environment as Record<string, string>;
  expect(ports).toContain(`${RELAY_MIN_PORT}-${RELAY_MAX_PORT}/udp`);
});

test('the command writes .env for its owner alone, starts nothing on request, and refuses what is no name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'public-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, '.env');
  writeFileSync(file, 'TANDEM_TURN_PORT=3479\n');
  const run = (...args: string[]) =>
    execFileSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'public.ts'), ...args, '--env', file],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
  const said = run(domain, '--address', '127.0.0.1', '--prepare');
  expect(said).toContain('49152-65535/udp');
  expect(readFileSync(file, 'utf8')).toMatch(/^TANDEM_TURN_PORT=3479\n[\s\S]*TANDEM_DOMAIN=calls\.example\.org\n/);
  expect(statSync(file).mode & 0o077).toBe(0);
  expect(() => run('localhost', '--prepare')).toThrow(/"localhost" is no DNS name/);
});
