/** From context values to the stack: `-c profile=…`, `-c domainName=…` and so on. */
import { readRecognizers } from '@tandem/captions/config';
import { type App, Aspects, Stack, Tags } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { IMAGES, type ImageName } from '../topology/images.ts';
import { check } from './check.ts';
import { imageByDigest } from './image-reference.ts';
import { LeaveNothing, ownLogGroups } from './leave-nothing.ts';
import { TopologyProfile } from './profile.ts';
import type { ScheduledSize } from './scheduled-size.ts';
import { TopologyStack } from './topology-stack.ts';
import { ViewerRules } from './viewer-rules.ts';
import { WebRtcTopology } from './webrtc-topology.ts';
import type { WebRtcTopologyProps } from './webrtc-topology-props.ts';

/** Images that a pipeline has built, by digest: `authImage` and so on. */
const IMAGE_VALUES = IMAGES.map((name) => `${name}Image` as const);
const KNOWN = [
  'part',
  'profile',
  'stackName',
  'zones',
  'domainName',
  'certificateArn',
  'regionalCertificateArn',
  'hostedZoneId',
  'hostedZoneName',
  'sharedDomainName',
  'access',
  'apiKeysSecretArn',
  'canaryApiKeySecretArn',
  'oidcIssuer',
  'oidcAudience',
  'alarmEmails',
  'signalingTasks',
  'maxSignalingTasks',
  'turnNodes',
  'maxTurnNodes',
  'mediaNodes',
  'maxMediaNodes',
  'packagers',
  'events',
  'recognizerImage',
  'recognizers',
  'recordings',
  'createRooms',
  'cacheShards',
  'cachePasswordGeneration',
  'monthlyEgressBudgetUsd',
  'webAclArn',
  'clientConfig',
  'schedules',
  ...IMAGE_VALUES,
] as const;
type ContextName = (typeof KNOWN)[number];

/**
 * The stack that context asks for. `part=viewer-rules`: the web ACL in front of CloudFront, which is in another region. Without a profile it is `development` unless a domain is given.
 * @throws Error naming the context value and the fix
 */
export function buildTopology(app: App, clientBuild: string | undefined): Stack {
  const { text, number } = contextOf(app);
  const part = text('part');
  check(
    part === undefined || part === 'viewer-rules',
    'context',
    'part',
    `there is no part "${part}" with a stack of its own`,
    '-c part=viewer-rules, or without it for the whole topology',
  );
  if (part) return viewerRules(app, text('stackName') ?? 'Tandem');
  const domainName = text('domainName');
  const profile = TopologyProfile.named(text('profile') ?? (domainName ? 'production' : 'development'));
  if (profile.isProduction) checkProduction(text);
  const zones = number('zones') ?? (profile.isProduction ? 3 : 2);
  const stack = new TopologyStack(app, text('stackName') ?? 'Tandem', {
    zones,
    description: `Tandem: WebRTC calls, ${profile.name} profile`,
    terminationProtection: profile.isProduction,
  });
  const keys = text('apiKeysSecretArn');
  const canaryKey = text('canaryApiKeySecretArn');
  const issuer = text('oidcIssuer');
  new WebRtcTopology(stack, 'Topology', {
    profile,
    zones,
    clientBuild,
    ...domainOf(stack, text),
    access: text('access'),
    ...(keys ? { apiKeys: secretsmanager.Secret.fromSecretCompleteArn(stack, 'ApiKeys', keys) } : {}),
    ...(canaryKey ? { canaryApiKey: secretsmanager.Secret.fromSecretCompleteArn(stack, 'CanaryKey', canaryKey) } : {}),
    ...(issuer ? { authEnvironment: { OIDC_ISSUER: issuer, OIDC_AUDIENCE: text('oidcAudience') ?? '' } } : {}),
    signalingTasks: number('signalingTasks'),
    maxSignalingTasks: number('maxSignalingTasks'),
    turnNodes: number('turnNodes'),
    maxTurnNodes: number('maxTurnNodes'),
    mediaNodes: number('mediaNodes'),
    maxMediaNodes: number('maxMediaNodes'),
    packagers: number('packagers'),
    events: flag(text, 'events'),
    ...captionsOf(stack, text),
    recordings: flag(text, 'recordings'),
    createRooms: text('createRooms'),
    cacheShards: number('cacheShards'),
    cachePasswordGeneration: number('cachePasswordGeneration'),
    monthlyEgressBudgetUsd: number('monthlyEgressBudgetUsd'),
    webAclArn: text('webAclArn'),
    clientConfig: objectOf('clientConfig', app.node.tryGetContext('clientConfig'), '{"reportSampling":0.1}'),
    ...schedulesOf(app.node.tryGetContext('schedules')),
    alarmEmails: text('alarmEmails')?.split(','),
    ...imagesOf(stack, text),
  });
  if (!profile.isProduction) {
    ownLogGroups(stack);
    Aspects.of(stack).add(new LeaveNothing());
  }
  Tags.of(stack).add('project', 'tandem');
  Tags.of(stack).add('profile', profile.name);
  return stack;
}

/** Reads context values. */
interface Context {
  text(name: ContextName): string | undefined;
  number(name: ContextName): number | undefined;
}

function contextOf(app: App): Context {
  const text = (name: ContextName): string | undefined => {
    const value = app.node.tryGetContext(name);
    return value === undefined || value === '' ? undefined : String(value);
  };
  const number = (name: ContextName): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    check(/^\d+$/.test(value), 'context', name, `"${value}" is not a whole number`, `-c ${name}=3`);
    return Number(value);
  };
  return { text, number };
}

function flag(text: Context['text'], name: ContextName): boolean | undefined {
  const value = text(name);
  check(
    value === undefined || value === 'true' || value === 'false',
    'context',
    name,
    `"${value}" is neither true nor false`,
    `-c ${name}=true`,
  );
  return value === undefined ? undefined : value === 'true';
}

function checkProduction(text: Context['text']): void {
  for (const name of ['domainName', 'certificateArn', 'regionalCertificateArn', 'access'] as const)
    check(
      text(name) !== undefined,
      'context',
      name,
      'the production profile needs it',
      `-c ${name}=…, see docs/deployment-and-testing.md; or -c profile=development`,
    );
}

function domainOf(stack: Stack, text: Context['text']): Pick<WebRtcTopologyProps, 'domain'> {
  const domainName = text('domainName');
  const certificate = (id: string, arn: string) => acm.Certificate.fromCertificateArn(stack, id, arn);
  const zoneId = text('hostedZoneId');
  const arn = text('certificateArn');
  const regional = text('regionalCertificateArn');
  if (!domainName || !arn || !regional) return {};
  return {
    domain: {
      domainName,
      certificate: certificate('PageCertificate', arn),
      regionalCertificate: certificate('RegionalCertificate', regional),
      ...(zoneId
        ? {
            hostedZone: route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
              hostedZoneId: zoneId,
              zoneName: text('hostedZoneName') ?? domainName,
            }),
          }
        : {}),
      ...(text('sharedDomainName') ? { sharedDomainName: text('sharedDomainName') } : {}),
    },
  };
}

/** An object in cdk.context.json, JSON on the command line. @throws Error when it is neither; what is in it the construct checks */
function objectOf(name: ContextName, given: unknown, example: string): Record<string, unknown> | undefined {
  if (given === undefined || given === '') return undefined;
  let value: unknown = given;
  try {
    if (typeof given === 'string') value = JSON.parse(given);
  } catch {
    value = undefined;
  }
  check(
    typeof value === 'object' && value !== null && !Array.isArray(value),
    'context',
    name,
    'it is no JSON object',
    `-c ${name}='${example}'`,
  );
  return value as Record<string, unknown>;
}

const SCHEDULED = { services: 'serviceOptions', turn: 'turnOptions', media: 'mediaOptions' } as const;

/** Sizes by the clock, by part. @throws Error naming the part; the constructs check the entries */
function schedulesOf(given: unknown): Pick<WebRtcTopologyProps, 'serviceOptions' | 'turnOptions' | 'mediaOptions'> {
  const parts = objectOf('schedules', given, '{"turn":[{"time":"07:30","min":9},{"time":"20:00","min":3}]}') ?? {};
  const options = Object.entries(parts).map(([part, list]) => {
    const isPart = Object.hasOwn(SCHEDULED, part);
    check(isPart, 'context', 'schedules', `there is no part "${part}"`, Object.keys(SCHEDULED).join(', '));
    const isList = Array.isArray(list) && list.every((one) => typeof one === 'object' && one !== null);
    check(isList, 'context', `schedules.${part}`, 'it is no list of sizes', '[{"time":"07:30","min":9}]');
    return [SCHEDULED[part as keyof typeof SCHEDULED], { schedules: list as ScheduledSize[] }] as const;
  });
  return Object.fromEntries(options);
}

/** Of the image that is given, English, and of recognizers elsewhere. */
function captionsOf(stack: Stack, text: Context['text']): Pick<WebRtcTopologyProps, 'captions'> {
  const image = text('recognizerImage');
  const elsewhere = text('recognizers');
  if (image === undefined && elsewhere === undefined) return {};
  return {
    captions: {
      ...(image ? { recognizerImage: imageByDigest(stack, 'recognizerImage', image) } : {}),
      ...(elsewhere ? { recognizers: recognizersOf(elsewhere) } : {}),
    },
  };
}

function recognizersOf(list: string): Record<string, string> {
  try {
    return Object.fromEntries(readRecognizers(list));
  } catch {
    throw new Error(`context: recognizers: it is no list of them. Fix: -c recognizers=de=wss://speech.example.org/de`);
  }
}

/** A stack of its own: CloudFront takes web ACLs of one region only, and the topology may be in any. */
function viewerRules(app: App, stackName: string): Stack {
  const stack = new Stack(app, `${stackName}ViewerRules`, {
    env: { region: 'us-east-1' },
    description: 'Tandem: rules in front of CloudFront',
  });
  new ViewerRules(stack, 'ViewerRules');
  Tags.of(stack).add('project', 'tandem');
  return stack;
}

/** Those that are given; the others are built when deployed. */
function imagesOf(
  stack: Stack,
  text: (name: `${ImageName}Image`) => string | undefined,
): Pick<WebRtcTopologyProps, `${ImageName}Image`> {
  const given = IMAGE_VALUES.flatMap((name) => {
    const reference = text(name);
    return reference === undefined ? [] : [[name, imageByDigest(stack, name, reference)] as const];
  });
  return Object.fromEntries(given);
}
