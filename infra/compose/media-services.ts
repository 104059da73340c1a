/** The containers of large rooms: the media node, its packager, and the composer of recordings. */
import type { PackagerConfig } from '../hls-packager/src/config.ts';
import type { MediaNodeConfig } from '../media-node/src/config.ts';
import type { ComposerConfig } from '../recording-composer/src/config.ts';
import { resolveEnvironment } from '../topology/environment.ts';
import { nodeHealthCommand } from '../topology/health-command.ts';
import { topology } from '../topology/index.ts';
import { hardened, probe, whenHealthy } from './containers.ts';
import { cachePort, given, place } from './machine.ts';

const { composer, media, packager } = topology;

/** Where TANDEM_RECORDINGS=/recordings keeps them: one volume of all that have a part in it. */
export const RECORDINGS_VOLUME = 'recordings:/recordings';
/** What a media node records, until it has passed that on: about 2 Mbit/s a person, which is not for memory. */
const RUN_VOLUME = 'media:/run/media';
/** What a media node shares with its packager: segments of seconds, in memory. Names and modes as infra/src/packager-container.ts has them. */
const HLS_VOLUME = `hls:${media.environment.HLS_DIR}`;
export const HLS_OPTIONS = { type: 'tmpfs', device: 'tmpfs', o: 'size=256m,mode=0750,uid=10001,gid=10001' };
/** Address of the packager in a network of its own; another one where the host's networks have it. */
const HLS_HOST = given('TANDEM_HLS_HOST', '172.30.253.2');
/** How often the composer looks. In the cloud S3 tells when a recording has ended. */
const COMPOSE_EVERY_SECONDS = 10;

/** On the host's network as the TURN node is: each person has UDP ports of its own. */
export function mediaNode() {
  return {
    image: 'tandem/media',
    build: { context: '.', target: 'media' },
    ...hardened,
    network_mode: 'host',
    environment: {
      ...resolveEnvironment(media, place),
      REDIS_URL: `redis://127.0.0.1:${cachePort}`,
      DRAIN_SECONDS: '110',
      PRIVATE_IP: given('TANDEM_PRIVATE_ADDRESS', ''),
      MAX_PACKAGERS: given('TANDEM_PACKAGERS', '0'),
      HLS_HOST,
    } satisfies Partial<Record<keyof MediaNodeConfig, string>>,
    volumes: [RECORDINGS_VOLUME, HLS_VOLUME, RUN_VOLUME],
    // Its way to auth and signaling is the edge.
    depends_on: whenHealthy(['cache', 'edge']),
    healthcheck: probe(nodeHealthCommand(media.healthProgram)),
    stop_grace_period: '120s',
  };
}

/**
 * In the profile `hls` only, with TANDEM_PACKAGERS. It decodes what strangers send: from its network, which leads nowhere, it reaches neither the
 * internet, nor the metadata of a cloud, nor loopback of the host. The media node, on the host, reaches it.
 */
export function packagerService() {
  return {
    image: 'tandem/packager',
    build: { context: '.', target: 'packager' },
    profiles: ['hls'],
    ...hardened,
    networks: { hls: { ipv4_address: HLS_HOST } },
    environment: { ...resolveEnvironment(packager, place), HLS_HOST } satisfies Partial<
      Record<keyof PackagerConfig, string>
    >,
    volumes: [HLS_VOLUME],
    // As the node's: it goes on while the node drains.
    stop_grace_period: '120s',
  };
}

/** In the profile `recordings` only: it has nothing to do where nothing is recorded. */
export function composerService() {
  return {
    image: 'tandem/composer',
    build: { context: '.', target: 'composer' },
    profiles: ['recordings'],
    ...hardened,
    // A folder is all that it needs.
    network_mode: 'none',
    environment: {
      ...resolveEnvironment(composer, place),
      WORK_DIR: '/work',
      EVERY_SECONDS: `${COMPOSE_EVERY_SECONDS}`,
      KEEP_DAYS: given('TANDEM_KEEP_DAYS', ''),
    } satisfies Partial<Record<keyof ComposerConfig, string>>,
    volumes: [RECORDINGS_VOLUME],
    stop_grace_period: '30s',
  };
}
