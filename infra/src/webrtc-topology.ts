import { CfnOutput, type RemovalPolicy, Stack, Tags, Token } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as route53 from 'aws-cdk-lib/aws-route53';
import * as servicediscovery from 'aws-cdk-lib/aws-servicediscovery';
import { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import type { AuthService } from './auth-service.ts';
import type { Canary } from './canary.ts';
import { type CaptionsService, captionLanguages } from './captions-service.ts';
import { checkPrivateDomain } from './check-private-domain.ts';
import { checkProps } from './check-props.ts';
import { checkTopology } from './check-topology.ts';
import { Edge } from './edge.ts';
import { ACL_SECONDS } from './edge-rules.ts';
import type { HooksService } from './hooks-service.ts';
import type { MediaFleet } from './media-fleet.ts';
import { Network, type NetworkProps } from './network.ts';
import { Observability } from './observability.ts';
import { TopologyProfile } from './profile.ts';
import type { RealtimeService } from './realtime-service.ts';
import { Recordings } from './recordings.ts';
import type { SessionCache } from './session-cache.ts';
import type { SignalingService } from './signaling-service.ts';
import { SigningKeys } from './signing-keys.ts';
import { newCacheAccess } from './topology-cache.ts';
import { watchAsCaller } from './topology-canary.ts';
import { type TopologyContext, taskPlacement } from './topology-context.ts';
import { given, topologyDefaults } from './topology-defaults.ts';
import { newNames } from './topology-names.ts';
import { newMediaFleet, newTurnFleet } from './topology-nodes.ts';
import { newAuth, newCaptions, newHooks, newSignaling, serviceCommon } from './topology-services.ts';
import type { TurnDirectory } from './turn-directory.ts';
import type { TurnFleet } from './turn-fleet.ts';
import { WebClient } from './web-client.ts';
import type { WebRtcTopologyProps } from './webrtc-topology-props.ts';

/** Everything: network, cache, keys, auth, signaling, relays, edge, PWA, alarms; from infra/topology. */
export class WebRtcTopology extends Construct {
  /** The network; undefined in a VPC of yours. */
  readonly network?: Network;
  /** The session cache; undefined where one exists already. */
  readonly cache?: SessionCache;
  /** The keys that sign tokens. */
  readonly signingKeys: SigningKeys;
  /** Auth. */
  readonly auth: AuthService;
  /** Signaling. */
  readonly signaling: SignalingService;
  /** Relays. */
  readonly turn: TurnFleet;
  /** Where relays write themselves down; undefined where the cache exists already. */
  readonly turnDirectory?: TurnDirectory;
  /** The events service; undefined without `events`. */
  readonly hooks?: HooksService;
  /** The captions service; undefined without `captions`. */
  readonly captions?: CaptionsService;
  /** Media nodes; undefined without `mediaNodes`. */
  readonly media?: MediaFleet;
  /** Recordings; undefined without `recordings`. */
  readonly recordings?: Recordings;
  /** Load balancer. */
  readonly edge: Edge;
  /** CloudFront and the PWA. */
  readonly webClient: WebClient;
  /** Alarms and dashboard. */
  readonly observability: Observability;
  /** Does what a caller does, every few minutes; what needs no token, where it gets none (access without open, no `canaryApiKey`). */
  readonly canary: Canary;
  /** `https://…` of the page. */
  readonly origin: string;
  private readonly context: TopologyContext;

  constructor(scope: Construct, id: string, props: WebRtcTopologyProps = {}) {
    super(scope, id);
    checkProps('WebRtcTopology', 'WebRtcTopologyProps', props);
    const profile = props.profile ?? TopologyProfile.PRODUCTION;
    const { isProduction } = profile;
    checkTopology(props, isProduction);
    const zones = zonesOf(props) ?? (isProduction ? 3 : 2);
    const defaults = topologyDefaults(isProduction ? 'production' : 'development', zones);
    if (!props.vpc) this.network = newNetwork(this, props, { zones, natGateways: isProduction ? zones : 0 });
    const vpc = props.vpc ?? (this.network as Network).vpc;
    const context = { scope: this, props, profile, defaults, vpc };
    this.context = context;
    let access = props.existingCache;
    if (!access) ({ cache: this.cache, turnDirectory: this.turnDirectory, access } = newCacheAccess(context));
    const removalPolicy = props.removalPolicy ?? defaults.removalPolicy;
    this.signingKeys = new SigningKeys(this, 'SigningKeys', { removalPolicy, inProcess: isProduction });
    this.edge = this.newEdge(removalPolicy);
    this.webClient = this.newWebClient(removalPolicy);
    this.origin = this.webClient.origin;
    this.turn = newTurnFleet(context, access.turnNodes);
    const cluster =
      props.cluster ?? new ecs.Cluster(this, 'Cluster', { vpc, containerInsightsV2: ecs.ContainerInsights.ENHANCED });
    const namespace = this.privateNames();
    if (props.recordings) this.recordings = this.newRecordings(cluster, removalPolicy);
    if (props.mediaNodes && access.mediaNodes)
      this.media = newMediaFleet(context, {
        minNodes: props.mediaNodes,
        directory: access.mediaNodes,
        namespace: namespace.namespaceName,
        recordings: this.recordings,
      });
    const common = serviceCommon(context, { cluster, namespace, cache: access.services, origin: this.origin });
    const { signingKeys, turn, media, recordings } = this;
    this.auth = newAuth(context, common, { signingKeys, turn, media });
    const jwksUrl = `http://${this.auth.internalAddress}/.well-known/jwks.json`;
    this.signaling = newSignaling(context, common, { jwksUrl, recordings });
    if (props.events && access.hooks) this.hooks = newHooks(context, { ...common, cache: access.hooks }, jwksUrl);
    if (props.captions) this.captions = newCaptions(context, common, { captions: props.captions, jwksUrl });
    const services = [this.auth, this.signaling, this.hooks, this.captions].filter((one) => one !== undefined);
    this.openPorts(services);
    // A task that starts before the cache lets it in would fail its readiness for nothing.
    for (const service of services) if (this.cache) service.service.node.addDependency(this.cache.replicationGroup);
    this.orderUpdates();
    this.addPaths();
    this.observability = this.newObservability();
    for (const service of services) service.rollBackOn(...this.observability.deploymentAlarms);
    this.canary = watchAsCaller(context, { cluster, origin: this.origin, observability: this.observability });
    const { domain } = props;
    const names = domain?.hostedZone
      ? newNames(this, domain, { zone: domain.hostedZone, webClient: this.webClient, turn })
      : [];
    this.callWhenServed(services, names);
    this.outputs();
    // For the bill: activate both as cost allocation tags in the billing console once.
    Tags.of(this).add('stack', Stack.of(this).stackName);
    for (const part of this.node.children) Tags.of(part).add('part', part.node.id);
  }

  /** Within the VPC: keys of auth for the services, auth and signaling for media nodes. */
  private openPorts(services: readonly RealtimeService[]): void {
    for (const service of services.slice(1)) this.auth.connections.allowDefaultPortFrom(service, 'JWKS');
    if (this.media)
      for (const service of [this.auth, this.signaling])
        service.connections.allowDefaultPortFrom(this.media, 'Media nodes: tokens, rooms');
  }

  /** From outside, by path. */
  private addPaths(): void {
    this.edge.addService(this.auth, 10);
    this.edge.addService(this.signaling, 20);
    // Its paths are among those of signaling.
    if (this.hooks) this.edge.addService(this.hooks, 15);
    if (this.captions) this.edge.addService(this.captions, 25);
    if (this.media) this.edge.addStreams(this.media, 30);
  }

  /**
   * Who reads is updated before who writes: an older events service skips entries of the outbox that it does not know, an older signaling
   * refuses reports of a newer page, and takes an older media node, which writes itself down less often, for lost. Source: CloudFormation
   * reference, "DependsOn": it overrides the parallelism of updates too.
   */
  private orderUpdates(): void {
    for (const before of [this.hooks, this.media])
      if (before) this.signaling.service.node.addDependency(before.service);
    const captions = this.captions ? [this.captions.service] : [];
    this.webClient.publishAfter(this.auth.service, this.signaling.service, ...captions);
  }

  private privateNames(): servicediscovery.PrivateDnsNamespace {
    const { props, vpc } = this.context;
    const name = props.privateDomainName ?? 'tandem.internal';
    checkPrivateDomain(this, vpc, name);
    return new servicediscovery.PrivateDnsNamespace(this, 'Namespace', { vpc, name });
  }

  private newEdge(removalPolicy: RemovalPolicy): Edge {
    const { props, profile, vpc } = this.context;
    const { rateLimit, authRateLimit, logRetention, apiRequestsPerSecond } = props;
    const tasks = props.signalingTasks ?? topology.signaling.replicas.production;
    return new Edge(this, 'Edge', {
      vpc,
      deletionProtection: profile.isProduction,
      removalPolicy,
      rateLimit,
      authRateLimit,
      // What the tasks take of one address (apps/signaling/src/server/api/backend.ts).
      ...(apiRequestsPerSecond
        ? { apiRateLimit: Math.max(90_000, ACL_SECONDS * 2 * apiRequestsPerSecond * tasks) }
        : {}),
      logRetention,
    });
  }

  private newWebClient(removalPolicy: RemovalPolicy): WebClient {
    const { props, profile } = this.context;
    const { captions, domain, clientBuild, clientConfig, webAclArn, hsts, logRetention } = props;
    return new WebClient(this, 'WebClient', {
      edge: this.edge,
      removalPolicy,
      priceClass: profile.isProduction ? cloudfront.PriceClass.PRICE_CLASS_ALL : cloudfront.PriceClass.PRICE_CLASS_100,
      clientBuild,
      config: captions ? { captionLanguages: captionLanguages(captions), ...clientConfig } : clientConfig,
      webAclArn,
      hsts,
      logRetention,
      domainName: domain?.domainName,
      certificate: domain?.certificate,
    });
  }

  private newRecordings(cluster: ecs.ICluster, removalPolicy: RemovalPolicy): Recordings {
    const { props, vpc } = this.context;
    return new Recordings(this, 'Recordings', {
      vpc,
      cluster,
      ...taskPlacement(vpc),
      ...given(props.recordingsOptions),
      removalPolicy,
      logRetention: props.logRetention,
      image: props.composerImage,
    });
  }

  private newObservability(): Observability {
    const { props, defaults } = this.context;
    return new Observability(this, 'Observability', {
      signaling: this.signaling,
      auth: this.auth,
      hooks: this.hooks,
      captions: this.captions,
      cache: this.cache,
      turn: this.turn,
      media: this.media,
      recordings: this.recordings,
      edge: this.edge,
      webClient: this.webClient,
      minHealthy: defaults.minHealthy,
      topic: props.alarmTopic,
      emails: props.alarmEmails,
      monthlyEgressBudgetUsd: props.monthlyEgressBudgetUsd,
      budgetTag: `stack$${Stack.of(this).stackName}`,
    });
  }

  /** A caller comes when all is there: before, the canary would fail, or ask for a name that the resolver then keeps as missing. */
  private callWhenServed(services: readonly RealtimeService[], names: readonly route53.RecordSet[]): void {
    const { service: relays, tlsLoadBalancer } = this.turn;
    this.canary.rule.node.addDependency(
      this.webClient,
      relays,
      ...(tlsLoadBalancer ? [tlsLoadBalancer] : []),
      ...services.map(({ service }) => service),
      ...names,
    );
  }

  private outputs(): void {
    new CfnOutput(this, 'Url', { value: this.origin, description: 'Open this' });
    if (this.turn.tlsLoadBalancer)
      new CfnOutput(this, 'TurnName', {
        value: this.turn.tlsLoadBalancer.loadBalancerDnsName,
        description: 'turn.<domain> points here',
      });
  }
}

/** As given, or as an existing VPC has them; undefined where only the deployment knows. */
function zonesOf({ zones, vpc }: WebRtcTopologyProps): number | undefined {
  if (zones !== undefined || !vpc) return zones;
  return Token.isUnresolved(vpc.availabilityZones) ? undefined : vpc.availabilityZones.length;
}

function newNetwork(
  scope: Construct,
  { logRetention, interfaceEndpoints }: WebRtcTopologyProps,
  size: Pick<NetworkProps, 'zones' | 'natGateways'>,
): Network {
  return new Network(scope, 'Network', { ...size, flowLogRetention: logRetention, interfaceEndpoints });
}
