/** docs/system-topology.md: the parts, who calls whom, open ports and settings, from infra/topology. */
import { type ServicePart, topology } from '../infra/topology/index.ts';
import { GENERATED } from './generated-header.ts';

const { turn, media, cache, edge } = topology;
const parts = Object.entries(topology) as [string, (typeof topology)[keyof typeof topology]][];
/** Parts that the edge forwards to. */
const routed = parts.flatMap(([name, part]) => ('routes' in part ? [[name, part] as const] : []));
/** Parts with settings of their own. */
const configured = parts.flatMap(([name, part]) => ('config' in part ? [[name, part] as const] : []));

/** Why one part calls another. */
const WHY: Readonly<Record<string, string>> = {
  'signaling auth': 'public keys',
  'hooks auth': 'public keys',
  'hooks cache': 'outboxes, endpoints, what is owed to them',
  'captions auth': 'public keys',
  'turn cache': 'TURN directory, revocations',
  'media cache': 'media directory',
  'media auth': 'its tokens',
  'media signaling': 'membership of its rooms',
};

export function topologyPage(): string {
  return [
    GENERATED,
    '',
    '# System topology',
    '',
    'From [infra/topology](../infra/topology/index.ts), the one description that the cloud, compose and `npm start` are made of.',
    '',
    ...diagram(),
    '',
    ...partsTable(),
    '',
    '## Ports that must be open',
    '',
    ...portsTable(),
    '',
    '## Settings',
    '',
    'Defaults live in each service’s schema; an empty default means required or off, as the text says.',
    '',
    ...configured.flatMap(([name, { config }]) => settingsTable(name, config.properties)),
  ].join('\n');
}

function diagram(): string[] {
  const services = parts.filter((p): p is [string, ServicePart & (typeof p)[1]] => p[1].kind === 'service');
  return [
    '```mermaid',
    'flowchart LR',
    '  subgraph internet["Zone: internet"]',
    '    browser["Browser"]',
    '  end',
    '  subgraph public["Zone: public"]',
    `    edge["edge :${edge.port} (443 in the cloud)"]`,
    `    turn["turn :${turn.port} udp+tcp, :${turn.tlsPort} tls<br/>relay ${turn.relayPorts[0]}-${turn.relayPorts[1]} udp"]`,
    `    media["media<br/>${media.mediaPorts.join('-')} udp"]`,
    '  end',
    '  subgraph private["Zone: private, services"]',
    ...services.map(([name, p]) => `    ${name}["${name} :${p.port} (×${p.replicas.production})"]`),
    '  end',
    '  subgraph isolated["Zone: isolated, data"]',
    `    cache[("cache :${cache.port}")]`,
    '  end',
    '  browser -- "HTTPS, WSS" --> edge',
    '  browser -- "media, DTLS-SRTP" --> turn',
    '  browser -- "media of large rooms, DTLS-SRTP" --> media',
    '  browser -- "media, direct" --- browser',
    ...routed.map(([name, p]) => `  edge -- "${p.routes.join(' ')}" --> ${name}`),
    ...configured.flatMap(([name, p]) => p.dependsOn.map((needed) => `  ${name} --> ${needed}`)),
    '```',
  ];
}

function partsTable(): string[] {
  return [
    '| Part | What it does | Port | Replicas (development / production) | Live | Start-up | Ready | Needs |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...parts.map(([name, { description, ...part }]) => {
      const {
        port = '',
        replicas,
        livePath = '',
        startupPath = '',
        readyPath = '',
        dependsOn = [],
      } = part as Partial<ServicePart>;
      const tasks = replicas ? `${replicas.development} / ${replicas.production}` : '';
      return `| ${name} | ${description} | ${port} | ${tasks} | ${livePath} | ${startupPath} | ${readyPath} | ${dependsOn.join(', ')} |`;
    }),
  ];
}

function portsTable(): string[] {
  return [
    '| From | To | Port | Why |',
    '| --- | --- | --- | --- |',
    '| internet | edge | 443 tcp | the PWA, tokens, signaling |',
    `| internet | turn | ${turn.port} udp+tcp, ${turn.tlsPort} tcp | TURN (RFC 8656) |`,
    `| internet | turn | ${turn.relayPorts[0]}–${turn.relayPorts[1]} udp | relayed media |`,
    `| internet | media | ${media.mediaPorts.join('–')} udp | media of large rooms |`,
    ...routed.map(([name, p]) => `| edge | ${name} | ${p.port} tcp | ${p.routes.map((r) => `\`${r}\``).join(', ')} |`),
    ...configured.flatMap(([name, p]) =>
      p.dependsOn.map((needed) => {
        const { port } = topology[needed as keyof typeof topology] as { port?: number };
        return `| ${name} | ${needed} | ${port} tcp | ${WHY[`${name} ${needed}`] ?? 'state and fan-out'} |`;
      }),
    ),
  ];
}

/** @param properties JSON Schema of the settings */
function settingsTable(name: string, properties: object): string[] {
  const settings = Object.entries(properties as Record<string, { default?: unknown; description?: string }>);
  return [
    `### ${name}`,
    '',
    '| Setting | Default | Meaning |',
    '| --- | --- | --- |',
    ...settings.map(([key, { default: value = '', description = '' }]) => {
      const shown = value === '' ? '' : `\`${value}\``;
      return `| \`${key}\` | ${shown} | ${description.replaceAll('|', '\\|')} |`;
    }),
    '',
  ];
}
