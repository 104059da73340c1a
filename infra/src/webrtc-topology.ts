import { CfnOutput, type RemovalPolicy, Stack, Tags, Token } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import * as servicediscovery from 'aws-cdk-lib/aws-servicediscovery';
import { Construct } from 'constructs';
import { REQUESTS_OF_ADDRESS } from '../hls-packager/src/hls-times.ts';
import { topology } from '../topology/index.ts';
import { AuthService } from './auth-service.ts';
import { HOOKS_ACCESS, SERVICE_ACCESS } from './cache-access.ts';
import { Canary } from './canary.ts';
import { CaptionsService, captionLanguages } from './captions-service.ts';
import { checkPrivateDomain } from './check-private-domain.ts';
import { checkProps } from './check-props.ts';
import { checkTopology } from './check-topology.ts';
import { Edge } from './edge.ts';
import { patternsOf } from './edge-patterns.ts';
import { HooksService } from './hooks-service.ts';
import { MediaDirectory } from './media-directory.ts';
import { MediaFleet } from './media-fleet.ts';
import { NearestRegion } from './nearest-region.ts';
import { Network } from './network.ts';
import { Observability } from './observability.ts';
import { TopologyProfile } from './profile.ts';
import type { RealtimeService } from './realtime-service.ts';
import { Recordings } from './recordings.ts';
import { type CacheAccess, SessionCache } from './session-cache.ts';
import { SignalingService } from './signaling-service.ts';
import { SigningKeys } from './signing-keys.ts';
import { given, topologyDefaults } from './topology-defaults.ts';
import type { CaptionsOptions, DomainProps, ExistingCache } from './topology-options.ts';
import { TurnDirectory, type TurnDirectoryProps } from './turn-directory.ts';
import { TurnFleet } from './turn-fleet.ts';
import { WebClient } from './web-client.ts';
import type { WebRtcTopologyProps } from './webrtc-topology-props.ts';

/** The time in which a web ACL counts, s. */
const ACL_SECONDS = 300;

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
  private readonly props: WebRtcTopologyProps;
  private readonly profile: TopologyProfile;
  private readonly defaults: ReturnType<typeof topologyDefaults>;
  private readonly vpc: ec2.IVpc;

  constructor(scope: Construct, id: string, props: WebRtcTopologyProps = {}) {
    super(scope, id);
    this.props = props;
    checkProps('WebRtcTopology', 'WebRtcTopologyProps', props);
    this.profile = props.profile ?? TopologyProfile.PRODUCTION;
    const { isProduction } = this.profile;
    checkTopology(props, isProduction);
    const zones = zonesOf(props) ?? (isProduction ? 3 : 2);
    this.defaults = topologyDefaults(isProduction ? 'production' : 'development', zones);
    if (!props.vpc) this.network = this.newNetwork(zones);
    this.vpc = props.vpc ?? (this.network as Network).vpc;
    let access = props.existingCache;
    if (!access) ({ cache: this.cache, turnDirectory: this.turnDirectory, access } = this.newCacheAccess());
    const removalPolicy = props.removalPolicy ?? this.defaults.removalPolicy;
    this.signingKeys = new SigningKeys(this, 'SigningKeys', { removalPolicy, inProcess: isProduction });
    this.edge = this.newEdge(removalPolicy);
    this.webClient = this.newWebClient(removalPolicy);
    this.origin = this.webClient.origin;
    this.turn = this.newTurnFleet(access.turnNodes);
    const cluster =
      props.cluster ??
      new ecs.Cluster(this, 'Cluster', { vpc: this.vpc, containerInsightsV2: ecs.ContainerInsights.ENHANCED });
    const namespace = this.privateNames();
    if (props.recordings) this.recordings = this.newRecordings(cluster, removalPolicy);
    if (props.mediaNodes && access.mediaNodes)
      this.media = this.newMediaFleet(props.mediaNodes, access.mediaNodes, namespace.namespaceName);
    const common = this.ofBothServices(cluster, namespace, access.services);
    this.auth = this.newAuth(common);
    const jwksUrl = `http://${this.auth.serviceName}.${namespace.namespaceName}:${this.auth.port}/.well-known/jwks.json`;
    this.signaling = this.newSignaling(common, jwksUrl);
    if (props.events && access.hooks) this.hooks = this.newHooks({ ...common, cache: access.hooks }, jwksUrl);
    if (props.captions) this.captions = this.newCaptions(props.captions, common, jwksUrl);
    const services = [this.auth, this.signaling, this.hooks, this.captions].filter((one) => one !== undefined);
    for (const service of services.slice(1)) this.auth.connections.allowDefaultPortFrom(service, 'JWKS');
    if (this.media)
      for (const service of [this.auth, this.signaling])
        service.connections.allowDefaultPortFrom(this.media, 'Media nodes: tokens, rooms');
    // A task that starts before the cache lets it in would fail its readiness for nothing.
    for (const service of services) if (this.cache) service.service.node.addDependency(this.cache.replicationGroup);
    this.orderUpdates();
    this.edge.addService(this.auth, 10);
    this.edge.addService(this.signaling, 20);
    // Its paths are among those of signaling.
    if (this.hooks) this.edge.addService(this.hooks, 15);
    if (this.captions) this.edge.addService(this.captions, 25);
    if (this.media) this.edge.addStreams(this.media, 30);
    this.observability = this.newObservability();
    for (const service of services) service.rollBackOn(...this.observability.deploymentAlarms);
    this.canary = this.watchAsCaller(cluster);
    const names = props.domain?.hostedZone ? this.names(props.domain, props.domain.hostedZone) : [];
    this.callWhenServed(services, names);
    this.outputs();
    // For the bill: activate both as cost allocation tags in the billing console once.
    Tags.of(this).add('stack', Stack.of(this).stackName);
    for (const part of this.node.children) Tags.of(part).add('part', part.node.id);
  }

  /**
   * Who reads is updated before who writes: an older events service skips entries of the outbox that it does not know, an older signaling
   * refuses reports of a newer page, and takes an older media node, which writes itself down less often, for lost. Source: CloudFormation reference, "DependsOn": it overrides the parallelism of updates too.
   */
  private orderUpdates(): void {
    for (const before of [this.hooks, this.media])
      if (before) this.signaling.service.node.addDependency(before.service);
    const captions = this.captions ? [this.captions.service] : [];
    this.webClient.publishAfter(this.auth.service, this.signaling.service, ...captions);
  }

  /** The cache, and a user of it for each part that needs one. */
  private newCacheAccess(): { cache: SessionCache; turnDirectory: TurnDirectory; access: ExistingCache } {
    const { cachePasswordGeneration: passwordGeneration, mediaNodes, events } = this.props;
    const cache = this.newCache();
    const user = { cache, passwordGeneration };
    const services = servicesUser(user);
    const turnDirectory = new TurnDirectory(this, 'TurnDirectory', user);
    const access = {
      services,
      turnNodes: turnDirectory.access,
      ...(mediaNodes ? { mediaNodes: new MediaDirectory(this, 'MediaDirectory', user).access } : {}),
      ...(events ? { hooks: hooksUser(user) } : {}),
    };
    return { cache, turnDirectory, access };
  }

  private privateNames(): servicediscovery.PrivateDnsNamespace {
    const name = this.props.privateDomainName ?? 'tandem.internal';
    checkPrivateDomain(this, this.vpc, name);
    return new servicediscovery.PrivateDnsNamespace(this, 'Namespace', { vpc: this.vpc, name });
  }

  private newNetwork(zones: number): Network {
    return new Network(this, 'Network', {
      zones,
      natGateways: this.profile.isProduction ? zones : 0,
      flowLogRetention: this.props.logRetention,
      interfaceEndpoints: this.props.interfaceEndpoints,
    });
  }

  private newCache(): SessionCache {
    return new SessionCache(this, 'Cache', {
      vpc: this.vpc,
      subnets: {
        subnetType:
          this.vpc.isolatedSubnets.length > 0 ? ec2.SubnetType.PRIVATE_ISOLATED : ec2.SubnetType.PRIVATE_WITH_EGRESS,
      },
      shards: this.props.cacheShards ?? this.defaults.cacheShards,
      ...this.defaults.cache,
      ...given(this.props.cacheOptions),
    });
  }

  private newEdge(removalPolicy: RemovalPolicy): Edge {
    const { rateLimit, authRateLimit, packagers, logRetention } = this.props;
    return new Edge(this, 'Edge', {
      vpc: this.vpc,
      deletionProtection: this.profile.isProduction,
      removalPolicy,
      rateLimit,
      authRateLimit,
      ...(packagers ? { playlistRateLimit: ACL_SECONDS * REQUESTS_OF_ADDRESS } : {}),
      logRetention,
    });
  }

  private newWebClient(removalPolicy: RemovalPolicy): WebClient {
    const { captions, domain, clientBuild, clientConfig, mediaNodes, webAclArn, hsts, logRetention } = this.props;
    const more = [...(mediaNodes ? (['media'] as const) : []), ...(captions ? (['captions'] as const) : [])];
    return new WebClient(this, 'WebClient', {
      edge: this.edge,
      ...(more.length > 0 ? { edgePatterns: patternsOf('auth', 'signaling', ...more) } : {}),
      removalPolicy,
      priceClass: this.profile.isProduction
        ? cloudfront.PriceClass.PRICE_CLASS_ALL
        : cloudfront.PriceClass.PRICE_CLASS_100,
      clientBuild,
      config: captions ? { captionLanguages: captionLanguages(captions), ...clientConfig } : clientConfig,
      webAclArn,
      hsts,
      logRetention,
      domainName: domain?.domainName,
      certificate: domain?.certificate,
    });
  }

  private newTurnFleet(directory: CacheAccess): TurnFleet {
    const { domain, maxTurnNodes, turnImage, turnOptions, logRetention } = this.props;
    const minNodes = this.props.turnNodes ?? this.defaults.turnNodes;
    return new TurnFleet(this, 'Turn', {
      vpc: this.vpc,
      directory,
      minNodes,
      maxNodes: maxTurnNodes ?? minNodes * 10,
      deletionProtection: this.profile.isProduction,
      ...this.defaults.turn,
      ...given(turnOptions),
      logRetention,
      turnHost: domain ? `turn.${domain.domainName}` : undefined,
      certificate: domain?.regionalCertificate,
      image: turnImage,
    });
  }

  private newMediaFleet(minNodes: number, directory: CacheAccess, namespace: string): MediaFleet {
    const { maxMediaNodes, mediaImage, packagers, packagerImage, mediaOptions, logRetention } = this.props;
    const { auth, signaling } = topology;
    return new MediaFleet(this, 'Media', {
      vpc: this.vpc,
      directory,
      // Within the VPC: limits that CloudFront and the load balancer set for callers are not for a node with many rooms.
      signalingUrl: `ws://signaling.${namespace}:${signaling.port}/ws/signal`,
      authUrl: `http://auth.${namespace}:${auth.port}`,
      recordings: this.recordings,
      minNodes,
      maxNodes: maxMediaNodes ?? minNodes * 10,
      ...given(mediaOptions),
      logRetention,
      image: mediaImage,
      packagers,
      packagerImage,
    });
  }

  private newRecordings(cluster: ecs.ICluster, removalPolicy: RemovalPolicy): Recordings {
    return new Recordings(this, 'Recordings', {
      vpc: this.vpc,
      cluster,
      ...this.taskPlacement(),
      ...given(this.props.recordingsOptions),
      removalPolicy,
      logRetention: this.props.logRetention,
      image: this.props.composerImage,
    });
  }

  private ofBothServices(cluster: ecs.ICluster, namespace: servicediscovery.IPrivateDnsNamespace, cache: CacheAccess) {
    return {
      vpc: this.vpc,
      cluster,
      namespace,
      cache,
      collectorImage: this.props.collectorImage,
      ...this.taskPlacement(),
      logRetention: this.props.logRetention,
      allowedOrigins: this.origin,
      ...this.defaults.service,
      ...given(this.props.serviceOptions),
    };
  }

  /** Behind NAT where there is any; else tasks reach registries and the interfaces of AWS by addresses of their own. */
  private taskPlacement() {
    const assignPublicIp = this.vpc.privateSubnets.length === 0;
    return {
      vpcSubnets: { subnetType: assignPublicIp ? ec2.SubnetType.PUBLIC : ec2.SubnetType.PRIVATE_WITH_EGRESS },
      assignPublicIp,
    };
  }

  private newAuth(common: ReturnType<WebRtcTopology['ofBothServices']>): AuthService {
    const { access, authEnvironment, apiKeys, authImage } = this.props;
    const minTasks = topology.auth.replicas[this.profile.isProduction ? 'production' : 'development'];
    return new AuthService(this, 'Auth', {
      ...common,
      signingKeys: this.signingKeys,
      access: access ?? (this.profile.isProduction ? '' : 'open'),
      profile: this.profile.name,
      turnSecret: this.turn.secret,
      turnUris: this.turn.turnUris,
      minTasks,
      maxTasks: minTasks * 10,
      turnDirectory: true,
      mediaSecret: this.media?.secret,
      environment: authEnvironment,
      apiKeys,
      image: authImage,
    });
  }

  private newSignaling(common: ReturnType<WebRtcTopology['ofBothServices']>, jwksUrl: string): SignalingService {
    const { signalingTasks, maxSignalingTasks, signalingEnvironment, signalingImage } = this.props;
    const minTasks =
      signalingTasks ?? topology.signaling.replicas[this.profile.isProduction ? 'production' : 'development'];
    return new SignalingService(this, 'Signaling', {
      ...common,
      jwksUrl,
      minTasks,
      maxTasks: maxSignalingTasks ?? minTasks * 10,
      events: this.props.events,
      recordings: this.recordings,
      createRooms: this.props.createRooms,
      apiRequestsPerSecond: this.props.apiRequestsPerSecond,
      environment: signalingEnvironment,
      image: signalingImage,
    });
  }

  private newHooks(common: ReturnType<WebRtcTopology['ofBothServices']>, jwksUrl: string): HooksService {
    const { schedules: _, allowedOrigins: __, ...options } = common;
    const minTasks =
      this.props.eventsOptions?.minTasks ??
      topology.hooks.replicas[this.profile.isProduction ? 'production' : 'development'];
    return new HooksService(this, 'Hooks', {
      ...options,
      ...this.defaults.hooks,
      jwksUrl,
      minTasks,
      maxTasks: Math.min(64, minTasks * 10),
      ...given(this.props.eventsOptions),
      image: this.props.hooksImage,
    });
  }

  private newCaptions(
    captions: CaptionsOptions,
    common: ReturnType<WebRtcTopology['ofBothServices']>,
    jwksUrl: string,
  ): CaptionsService {
    const minTasks =
      captions.minTasks ?? topology.captions.replicas[this.profile.isProduction ? 'production' : 'development'];
    const { cache: _, schedules: __, cpu: ___, memoryLimitMiB: ____, stopTimeout: _____, ...options } = common;
    return new CaptionsService(this, 'Captions', {
      ...options,
      jwksUrl,
      minTasks,
      maxTasks: minTasks * 10,
      ...given(captions),
      image: this.props.captionsImage,
    });
  }

  private newObservability(): Observability {
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
      minHealthy: this.defaults.minHealthy,
      topic: this.props.alarmTopic,
      emails: this.props.alarmEmails,
      monthlyEgressBudgetUsd: this.props.monthlyEgressBudgetUsd,
      budgetTag: `stack$${Stack.of(this).stackName}`,
    });
  }

  private watchAsCaller(cluster: ecs.ICluster): Canary {
    const { access = 'open', domain, alarmEmails, canaryApiKey, canaryImage, logRetention } = this.props;
    const hasToken = canaryApiKey !== undefined || access.split(',').includes('open');
    const canary = new Canary(this, 'Canary', {
      vpc: this.vpc,
      cluster,
      origin: this.origin,
      ...this.taskPlacement(),
      without: [...(hasToken ? [] : ['tokens']), ...(domain ? [] : ['relay-tls'])],
      // A development stack that sends no mail is no fault.
      alarmTopic: this.profile.isProduction || alarmEmails?.length ? this.observability.topic : undefined,
      apiKey: canaryApiKey,
      image: canaryImage,
      logRetention,
    });
    this.observability.addAlarm(
      'Canary',
      `What a caller does fails from outside, or was not tried: ${hasToken ? 'join, message, relay over UDP or TLS' : 'page, services (no token, so no call)'}.`,
      'canary-failed',
      canary.metricPassed(),
      { threshold: 1, below: true, periods: 3, missingIsBad: true },
    );
    return canary;
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

  private names(domain: DomainProps, zone: route53.IHostedZone): route53.RecordSet[] {
    const of = (recordName: string, target: route53.IAliasRecordTarget): route53.ARecordProps => ({
      zone,
      recordName: `${recordName}.`,
      target: route53.RecordTarget.fromAlias(target),
    });
    const page = of(domain.domainName, new targets.CloudFrontTarget(this.webClient.distribution));
    const made: route53.RecordSet[] = [
      new route53.ARecord(this, 'PageName', page),
      // CloudFront answers over IPv6 too; a name without AAAA leaves out networks that have nothing else.
      new route53.AaaaRecord(this, 'PageNameV6', page),
    ];
    const { tlsLoadBalancer } = this.turn;
    if (tlsLoadBalancer) {
      const turn = of(`turn.${domain.domainName}`, new targets.LoadBalancerTarget(tlsLoadBalancer));
      made.push(new route53.ARecord(this, 'TurnAlias', turn));
    }
    if (domain.sharedDomainName)
      new NearestRegion(this, 'NearestRegion', {
        domainName: domain.sharedDomainName,
        regionalDomainName: domain.domainName,
        certificate: domain.regionalCertificate,
        hostedZone: zone,
      });
    return made;
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

function servicesUser({ cache, passwordGeneration }: TurnDirectoryProps): CacheAccess {
  return cache.addUser('Services', { userName: 'tandem', accessString: SERVICE_ACCESS, passwordGeneration });
}

function hooksUser({ cache, passwordGeneration }: TurnDirectoryProps): CacheAccess {
  return cache.addUser('Hooks', { userName: 'hooks', accessString: HOOKS_ACCESS, passwordGeneration });
}
