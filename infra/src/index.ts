export { AuthService, type AuthServiceProps } from './auth-service.ts';
export { Canary, type CanaryProps } from './canary.ts';
export { CaptionsService, type CaptionsServiceProps } from './captions-service.ts';
export { Edge } from './edge.ts';
export type { EdgeProps } from './edge-props.ts';
export { HooksService, type HooksServiceProps } from './hooks-service.ts';
export { MediaDirectory, type MediaDirectoryProps } from './media-directory.ts';
export { MediaFleet } from './media-fleet.ts';
export type { MediaFleetProps } from './media-fleet-props.ts';
export { NearestRegion, type NearestRegionProps } from './nearest-region.ts';
export { Network, type NetworkProps } from './network.ts';
export type { NodeFleetProps, NodeOptions } from './node-fleet-props.ts';
export { Observability } from './observability.ts';
export type { AlarmThreshold, ObservabilityProps } from './observability-props.ts';
export { TopologyProfile } from './profile.ts';
export { RealtimeService } from './realtime-service.ts';
export type { RealtimeServiceProps, TaskServiceProps } from './realtime-service-props.ts';
export { Recordings } from './recordings.ts';
export type { RecordingsProps } from './recordings-props.ts';
export type { ScheduledSize } from './scheduled-size.ts';
export { type CacheAccess, type CacheUserProps, SessionCache } from './session-cache.ts';
export type { SessionCacheProps } from './session-cache-props.ts';
export { SignalingService, type SignalingServiceProps } from './signaling-service.ts';
export { SigningKeys, type SigningKeysProps } from './signing-keys.ts';
export type {
  CacheOptions,
  CaptionsOptions,
  DomainProps,
  EventsOptions,
  ExistingCache,
  MediaOptions,
  RecordingsOptions,
  ServiceOptions,
  TurnOptions,
} from './topology-options.ts';
export { TopologyStack, type TopologyStackProps } from './topology-stack.ts';
export { TurnDirectory, type TurnDirectoryProps } from './turn-directory.ts';
export { TurnFleet } from './turn-fleet.ts';
export type { TurnFleetProps } from './turn-fleet-props.ts';
export { TurnSecret, type TurnSecretProps } from './turn-secret.ts';
export { ViewerRules, type ViewerRulesProps } from './viewer-rules.ts';
export { WebClient } from './web-client.ts';
export type { HstsOptions, WebClientProps } from './web-client-props.ts';
export { WebRtcTopology } from './webrtc-topology.ts';
export type { WebRtcTopologyProps } from './webrtc-topology-props.ts';
