/**
 * The constructs over several stacks: what keeps state below, then the front, then what runs, then what watches. A rule of a security group belongs to the stack of the
 * part that connects, as that stack refers to the other one already: stacks that refer to each other do not synthesize (aws-cdk #5047; pull request #1678 put rules
 * made by `allowTo…` into the caller's stack).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type CfnElement, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as servicediscovery from 'aws-cdk-lib/aws-servicediscovery';
import { afterAll, expect, test } from 'vitest';
import * as tandem from '../src/index.ts';
import { PRODUCTION } from './synth.ts';

const outdir = mkdtempSync(join(tmpdir(), 'tandem-split-'));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

const image = ecs.ContainerImage.fromRegistry(`example.com/image@sha256:${'a'.repeat(64)}`);
const cacheRules = 'on ~tandem:* &tandem:* +@all';

function parts() {
  const app = new App({ outdir, analyticsReporting: false });
  const stackOf = (id: string) => new Stack(app, id);
  const state = new tandem.TopologyStack(app, 'State', { zones: 3 });
  const { vpc } = new tandem.Network(state, 'Network', { zones: 3 });
  const cache = new tandem.SessionCache(state, 'Cache', { vpc });
  const keys = new tandem.SigningKeys(state, 'Keys', { inProcess: true });
  const { secret } = new tandem.TurnSecret(state, 'TurnSecret');
  const relays = new tandem.TurnDirectory(state, 'TurnDirectory', { cache });
  const nodes = new tandem.MediaDirectory(state, 'MediaDirectory', { cache });
  const services = cache.addUser('Services', { userName: 'tandem', accessString: cacheRules });
  const recordings = new tandem.Recordings(stackOf('Recordings'), 'Recordings', { vpc, image });
  const front = stackOf('Front');
  const edge = new tandem.Edge(front, 'Edge', { vpc });
  const webClient = new tandem.WebClient(front, 'WebClient', { edge });
  const common = { vpc, image, collectorImage: image, cache: services, allowedOrigins: webClient.origin };
  const certificate = acm.Certificate.fromCertificateArn(state, 'Certificate', PRODUCTION.regionalCertificateArn);
  const turn = new tandem.TurnFleet(stackOf('Relays'), 'Turn', {
    ...{ vpc, image, certificate, secret, directory: relays.access, turnHost: 'turn.example.com' },
  });
  const media = new tandem.MediaFleet(stackOf('Media'), 'Media', {
    ...{ vpc, image, recordings, directory: nodes.access, authUrl: 'https://calls.example.com' },
    signalingUrl: 'wss://calls.example.com/ws/signal',
  });
  const namespace = new servicediscovery.PrivateDnsNamespace(state, 'Namespace', { vpc, name: 'tandem.internal' });
  const auth = new tandem.AuthService(stackOf('Auth'), 'Auth', {
    namespace,
    ...{ vpc, image, collectorImage: image, cache: services, signingKeys: keys, turnSecret: secret },
    ...{ mediaSecret: media.secret, access: 'open', profile: 'development' },
  });
  const jwksUrl = `http://${auth.internalAddress}/.well-known/jwks.json`;
  const signaling = new tandem.SignalingService(stackOf('Signaling'), 'Signaling', {
    ...{ ...common, jwksUrl, recordings },
  });
  const { allowedOrigins: _, ...hooksProps } = common;
  const hooks = new tandem.HooksService(stackOf('Hooks'), 'Hooks', { ...hooksProps, jwksUrl });
  const { cache: __, ...captionsProps } = common;
  const captions = new tandem.CaptionsService(stackOf('Captions'), 'Captions', {
    ...captionsProps,
    jwksUrl,
    recognizers: { en: 'wss://speech.example.org/en' },
  });
  // As their docstrings say.
  for (const service of [signaling, hooks, captions]) service.connections.allowToDefaultPort(auth);
  const all = [auth, hooks, signaling, captions];
  for (const [i, service] of all.entries()) edge.addService(service, 10 * (i + 1));
  edge.addStreams(media, 50);
  const observability = new tandem.Observability(stackOf('Watch'), 'Observability', {
    ...{ auth, signaling, hooks, captions, cache, turn, media, recordings, edge, webClient },
  });
  const canary = new tandem.Canary(stackOf('Canary'), 'Canary', { vpc, image, origin: webClient.origin });
  observability.addAlarm('Canary', 'Calls fail.', 'canary-failed', canary.metricPassed(), {
    threshold: 1,
    below: true,
  });
  return { app, cache };
}

test('each service and fleet in a stack of its own: synthesizes, and the cache lets each in from there', () => {
  const { app, cache } = parts();
  app.synth();
  const [group] = cache.connections.securityGroups;
  const rules = app.node
    .findAll()
    .filter((one): one is ec2.CfnSecurityGroupIngress => one instanceof ec2.CfnSecurityGroupIngress)
    .filter((one) => one.groupId === group?.securityGroupId)
    .map((one: CfnElement) => one.stack.stackName);
  expect(rules.sort()).toEqual(['Auth', 'Hooks', 'Media', 'Relays', 'Signaling']);
});
