import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as servicediscovery from 'aws-cdk-lib/aws-servicediscovery';
import { topology } from '../topology/index.ts';
import { AuthService } from './auth-service.ts';
import { CaptionsService } from './captions-service.ts';
import { HooksService } from './hooks-service.ts';
import type { MediaFleet } from './media-fleet.ts';
import type { Recordings } from './recordings.ts';
import type { CacheAccess } from './session-cache.ts';
import { SignalingService } from './signaling-service.ts';
import type { SigningKeys } from './signing-keys.ts';
import { type TopologyContext, taskPlacement } from './topology-context.ts';
import { given } from './topology-defaults.ts';
import type { CaptionsOptions } from './topology-options.ts';
import type { TurnFleet } from './turn-fleet.ts';

/** What the services share of the parts made before them. */
export interface ServiceNeeds {
  readonly cluster: ecs.ICluster;
  readonly namespace: servicediscovery.IPrivateDnsNamespace;
  readonly cache: CacheAccess;
  /** `https://…` of the page. */
  readonly origin: string;
}

export type ServiceCommon = ReturnType<typeof serviceCommon>;

/** Properties that all services have. */
export function serviceCommon(
  { props, defaults, vpc }: TopologyContext,
  { cluster, namespace, cache, origin }: ServiceNeeds,
) {
  return {
    vpc,
    cluster,
    namespace,
    cache,
    collectorImage: props.collectorImage,
    ...taskPlacement(vpc),
    logRetention: props.logRetention,
    allowedOrigins: origin,
    ...defaults.service,
    ...given(props.serviceOptions),
  };
}

/** What auth needs of the parts made before it. */
export interface AuthNeeds {
  readonly signingKeys: SigningKeys;
  readonly turn: TurnFleet;
  readonly media: MediaFleet | undefined;
}

export function newAuth(context: TopologyContext, common: ServiceCommon, needs: AuthNeeds): AuthService {
  const { scope, props, profile } = context;
  const { signingKeys, turn, media } = needs;
  const { access, authEnvironment, apiKeys, authImage } = props;
  const minTasks = topology.auth.replicas[profile.isProduction ? 'production' : 'development'];
  return new AuthService(scope, 'Auth', {
    ...common,
    signingKeys,
    access: access ?? (profile.isProduction ? '' : 'open'),
    profile: profile.name,
    turnSecret: turn.secret,
    turnUris: turn.turnUris,
    minTasks,
    maxTasks: minTasks * 10,
    turnDirectory: true,
    mediaSecret: media?.secret,
    environment: authEnvironment,
    apiKeys,
    image: authImage,
  });
}

export interface SignalingNeeds {
  readonly jwksUrl: string;
  readonly recordings: Recordings | undefined;
}

export function newSignaling(context: TopologyContext, common: ServiceCommon, needs: SignalingNeeds): SignalingService {
  const { scope, props, profile } = context;
  const { signalingTasks, maxSignalingTasks, signalingEnvironment, signalingImage } = props;
  const minTasks = signalingTasks ?? topology.signaling.replicas[profile.isProduction ? 'production' : 'development'];
  return new SignalingService(scope, 'Signaling', {
    ...common,
    jwksUrl: needs.jwksUrl,
    minTasks,
    maxTasks: maxSignalingTasks ?? minTasks * 10,
    events: props.events,
    recordings: needs.recordings,
    createRooms: props.createRooms,
    apiRequestsPerSecond: props.apiRequestsPerSecond,
    environment: signalingEnvironment,
    image: signalingImage,
  });
}

export function newHooks(context: TopologyContext, common: ServiceCommon, jwksUrl: string): HooksService {
  const { scope, props, profile, defaults } = context;
  const { schedules: _, allowedOrigins: __, ...options } = common;
  const minTasks =
    props.eventsOptions?.minTasks ?? topology.hooks.replicas[profile.isProduction ? 'production' : 'development'];
  return new HooksService(scope, 'Hooks', {
    ...options,
    ...defaults.hooks,
    jwksUrl,
    minTasks,
    maxTasks: Math.min(64, minTasks * 10),
    ...given(props.eventsOptions),
    image: props.hooksImage,
  });
}

export interface CaptionsNeeds {
  readonly captions: CaptionsOptions;
  readonly jwksUrl: string;
}

export function newCaptions(
  { scope, props, profile }: TopologyContext,
  common: ServiceCommon,
  { captions, jwksUrl }: CaptionsNeeds,
): CaptionsService {
  const minTasks = captions.minTasks ?? topology.captions.replicas[profile.isProduction ? 'production' : 'development'];
  const { cache: _, schedules: __, cpu: ___, memoryLimitMiB: ____, stopTimeout: _____, ...options } = common;
  return new CaptionsService(scope, 'Captions', {
    ...options,
    jwksUrl,
    minTasks,
    maxTasks: minTasks * 10,
    ...given(captions),
    image: props.captionsImage,
  });
}
