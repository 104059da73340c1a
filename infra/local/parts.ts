/** Each part of the topology as a process of this machine: its program, its variables and the check that it serves. */
import http from 'node:http';
import { createConnection } from 'node:net';
import { join, resolve } from 'node:path';
import type { SignalingConfig } from '@tandem/signaling/config';
import type { PackagerConfig } from '../hls-packager/src/config.ts';
import { type Place, resolveEnvironment } from '../topology/environment.ts';
import { topology } from '../topology/index.ts';
import type { TurnNodeConfig } from '../turn-node/src/config.ts';
import { accessSettings } from './access-settings.ts';
import { pageSettings } from './captions.ts';
import type { CertificateFiles } from './certificate.ts';
import type { ChildSpec } from './children.ts';
import type { EdgeConfig } from './edge/config.ts';
import { LOCAL_HOOKS } from './hooks.ts';
import { hlsFolder, type LocalMedia, mediaServes, mediaSettings } from './media.ts';
import { authUrl, captionsUrl, hooksUrl, signalingUrls } from './place.ts';
import type { RedisPlan, StackPlan, TurnPlan } from './plan.ts';
import { LOOPBACK } from './programs.ts';
import { composerSettings } from './recordings.ts';

const root = resolve(import.meta.dirname, '../..');

function connects(port: number, host = LOOPBACK): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection({ port, host });
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

/** Asks itself: fetch would ask the proxy of the environment (NODE_USE_ENV_PROXY) for what is on this machine. */
function answers(url: string): Promise<boolean> {
  return new Promise((done, fail) => {
    const request = http.get(url, { agent: new http.Agent(), timeout: 2000 }, (response) => {
      response.resume();
      done(response.statusCode === 200);
    });
    request.once('timeout', () => request.destroy(new Error('no answer in time'))).once('error', fail);
  });
}

/** A child that runs an entry file of this repository with Node. */
function nodeChild(child: Pick<ChildSpec, 'name' | 'env' | 'ready'> & { readonly entry: string }): ChildSpec {
  const { entry, ...rest } = child;
  return {
    ...rest,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(root, entry)],
  };
}

export function redisChild({ program, port }: NonNullable<RedisPlan['start']>, scratch: string): ChildSpec {
  return {
    name: 'redis',
    command: program,
    // Nothing is written to disk: the nodes rebuild the state.
    args: ['--port', `${port}`, '--bind', LOOPBACK, '--save', '', '--appendonly', 'no', '--dir', scratch],
    env: {},
    ready: () => connects(port),
  };
}

export function turnChild(turn: TurnPlan, plan: StackPlan, place: Place): ChildSpec {
  return nodeChild({
    name: 'turn',
    entry: join(topology.turn.folder, 'main.ts'),
    env: {
      ...resolveEnvironment(topology.turn, place),
      TURN_PORT: `${turn.port}`,
      TURNSERVER: turn.program,
      RUN_DIR: plan.scratch,
      NODE_ID: `turn-1${plan.redis?.nameEnd ?? ''}`,
      DRAIN_SECONDS: '0',
      // The peers of one machine and its network are loopback and private addresses; no deployment allows those.
      ALLOW_LOOPBACK_PEERS: 'true',
      DENIED_PEERS: '',
      ...plan.env.turn,
    } satisfies Partial<Record<keyof TurnNodeConfig, string>>,
    ready: () => connects(turn.port, plan.nodeAddress),
  });
}

export function authChild(plan: StackPlan, place: Place): ChildSpec {
  return nodeChild({
    name: 'auth',
    entry: join(topology.auth.folder, 'src/main.ts'),
    env: {
      ...resolveEnvironment(topology.auth, place),
      HOST: LOOPBACK,
      PORT: `${plan.ports.auth}`,
      ...accessSettings(),
      ...plan.env.auth,
    },
    ready: () => answers(`${authUrl(plan)}${topology.auth.startupPath}`),
  });
}

/** One a port of the plan, named signaling-1 and so on. */
export function signalingChildren(plan: StackPlan, place: Place): ChildSpec[] {
  return signalingUrls(plan).map((url, i) =>
    nodeChild({
      name: `signaling-${i + 1}`,
      entry: join(topology.signaling.folder, 'src/main.ts'),
      env: {
        ...resolveEnvironment(topology.signaling, place),
        HOST: LOOPBACK,
        PORT: new URL(url).port,
        NODE_NAME: `signaling-${i + 1}${plan.redis?.nameEnd ?? ''}`,
        ...plan.recordings?.env,
        ...plan.env.signaling,
      } satisfies Partial<Record<keyof SignalingConfig, string>>,
      ready: () => answers(`${url}${topology.signaling.startupPath}`),
    }),
  );
}

export function hooksChild(plan: StackPlan, place: Place): ChildSpec {
  return nodeChild({
    name: 'hooks',
    entry: join(topology.hooks.folder, 'src/main.ts'),
    env: {
      ...resolveEnvironment(topology.hooks, place),
      HOST: LOOPBACK,
      PORT: `${plan.ports.hooks}`,
      ...LOCAL_HOOKS,
      ...plan.env.hooks,
    },
    ready: () => answers(`${hooksUrl(plan)}${topology.hooks.startupPath}`),
  });
}

export function captionsChild(plan: StackPlan, place: Place): ChildSpec {
  return nodeChild({
    name: 'captions',
    entry: join(topology.captions.folder, 'src/main.ts'),
    env: {
      ...resolveEnvironment(topology.captions, place),
      HOST: LOOPBACK,
      PORT: `${plan.ports.captions}`,
      ...plan.env.captions,
    },
    ready: () => answers(`${captionsUrl(plan)}${topology.captions.startupPath}`),
  });
}

/** @param tls default: plain http */
export function edgeChild(plan: StackPlan, tls?: CertificateFiles): ChildSpec {
  const { ports } = plan;
  const settings = pageSettings(plan.captions);
  return nodeChild({
    name: 'edge',
    entry: 'infra/local/edge/main.ts',
    env: {
      HOST: plan.edgeHost,
      PORT: `${ports.edge}`,
      CLIENT_DIR: plan.clientDir,
      AUTH_TARGETS: authUrl(plan),
      SIGNALING_TARGETS: signalingUrls(plan).join(','),
      ...(plan.media ? { MEDIA_TARGETS: `http://${LOOPBACK}:${ports.media}` } : {}),
      ...(plan.events ? { HOOKS_TARGETS: hooksUrl(plan) } : {}),
      ...(plan.captions ? { CAPTIONS_TARGETS: captionsUrl(plan) } : {}),
      ...(tls ? { TLS_CERT: tls.cert, TLS_KEY: tls.key } : {}),
      ...(settings ? { CLIENT_SETTINGS: settings } : {}),
    } satisfies Partial<Record<keyof EdgeConfig, string>>,
    ready: () => connects(ports.edge, 'localhost'),
  });
}

export function mediaChild(media: LocalMedia, plan: StackPlan, place: Place): ChildSpec {
  return nodeChild({
    name: 'media',
    entry: join(topology.media.folder, 'main.ts'),
    env: {
      ...resolveEnvironment(topology.media, place),
      ...mediaSettings(media, { scratch: plan.scratch, port: plan.ports.media }),
      ...plan.recordings?.env,
      ...plan.env.media,
    },
    ready: mediaServes(media),
  });
}

export function packagerChild(plan: StackPlan, place: Place): ChildSpec {
  return nodeChild({
    name: 'packager',
    entry: join(topology.packager.folder, 'main.ts'),
    env: {
      ...resolveEnvironment(topology.packager, place),
      HLS_DIR: hlsFolder(plan.scratch),
      ...plan.env.packager,
    } satisfies Partial<Record<keyof PackagerConfig, string>>,
    // It waits for the media node, and nothing for it.
    ready: async () => true,
  });
}

export function composerChild(plan: StackPlan, place: Place): ChildSpec {
  return nodeChild({
    name: 'composer',
    entry: join(topology.composer.folder, 'main.ts'),
    env: {
      ...resolveEnvironment(topology.composer, place),
      ...plan.recordings?.env,
      ...composerSettings(plan.scratch, plan.recordings),
      ...plan.env.composer,
    },
    // Nothing connects to it or waits for it.
    ready: async () => true,
  });
}
