import { CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import * as servicediscovery from 'aws-cdk-lib/aws-servicediscovery';
import { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { AuthService } from './auth-service.ts';
import { SERVICE_ACCESS } from './cache-access.ts';
import { Canary } from './canary.ts';
import { Edge } from './edge.ts';
import { NearestRegion } from './nearest-region.ts';
import { Network } from './network.ts';
import { Observability } from './observability.ts';
import { TopologyProfile } from './profile.ts';
import { SessionCache } from './session-cache.ts';
import { SignalingService } from './signaling-service.ts';
import { SigningKeys } from './signing-keys.ts';
import { TurnDirectory } from './turn-directory.ts';
import { TurnFleet } from './turn-fleet.ts';
import { WebClient } from './web-client.ts';
import { checkTopology, type DomainProps, type WebRtcTopologyProps } from './webrtc-topology-props.ts';

/** Everything: network, cache, keys, auth, signaling, relays, edge, PWA, alarms; from infra/topology. */
export class WebRtcTopology extends Construct {
  /** The network. */
  readonly network: Network;
  /** The session cache. */
  readonly cache: SessionCache;
  /** The keys that sign tokens. */
  readonly signingKeys: SigningKeys;
  /** Auth. */
  readonly auth: AuthService;
  /** Signaling. */
  readonly signaling: SignalingService;
  /** Relays. */
  readonly turn: TurnFleet;
  /** Where relays write themselves down. */
  readonly turnDirectory: TurnDirectory;
  /** Load balancer. */
  readonly edge: Edge;
  /** CloudFront and the PWA. */
  readonly webClient: WebClient;
  /** Alarms and dashboard. */
  readonly observability: Observability;
  /** Does what a caller does, every few minutes; undefined where it gets no token (access without open, no `canaryApiKey`). */
  readonly canary?: Canary;
  /** `https://…` of the page. */
  readonly origin: string;

  constructor(scope: Construct, id: string, props: WebRtcTopologyProps = {}) {
    super(scope, id);
    const profile = props.profile ?? TopologyProfile.PRODUCTION;
    const production = profile.isProduction;
    checkTopology(props, production);
    const zones = props.zones ?? (production ? 3 : 2);
    const removalPolicy = production ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    const { domain } = props;
    const replicas = (part: { readonly replicas: { readonly development: number; readonly production: number } }) =>
      production ? part.replicas.production : part.replicas.development;

    this.network = new Network(this, 'Network', { zones, natGateways: production ? zones : 0 });
    const { vpc } = this.network;
    this.cache = new SessionCache(this, 'Cache', {
      vpc,
      subnets: this.network.cacheSubnets,
      shards: props.cacheShards ?? (production ? 2 : 1),
      replicasPerShard: production ? zones - 1 : 0,
      nodeType: production ? 'cache.m7g.large' : 'cache.t4g.micro',
      snapshotRetentionDays: production ? 1 : 0,
    });
    const access = this.cache.addUser('Services', { userName: 'tandem', accessString: SERVICE_ACCESS });
    this.signingKeys = new SigningKeys(this, 'SigningKeys', { removalPolicy, inProcess: production });
    this.edge = new Edge(this, 'Edge', {
      vpc,
      ...(domain ? { certificate: domain.regionalCertificate, domainName: `origin.${domain.domainName}` } : {}),
      deletionProtection: production,
      removalPolicy,
    });
    this.webClient = new WebClient(this, 'WebClient', {
      edge: this.edge,
      removalPolicy,
      priceClass: production ? cloudfront.PriceClass.PRICE_CLASS_ALL : cloudfront.PriceClass.PRICE_CLASS_100,
      ...(props.clientBuild === undefined ? {} : { clientBuild: props.clientBuild }),
      ...(domain ? { domainName: domain.domainName, certificate: domain.certificate } : {}),
    });
    this.origin = this.webClient.origin;
    this.turnDirectory = new TurnDirectory(this, 'TurnDirectory', { cache: this.cache });
    const turnNodes = props.turnNodes ?? (production ? zones : 1);
    this.turn = new TurnFleet(this, 'Turn', {
      vpc,
      directory: this.turnDirectory.access,
      minNodes: turnNodes,
      maxNodes: props.maxTurnNodes ?? turnNodes * 10,
      deletionProtection: production,
      ...(production
        ? {}
        : {
            instanceType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
            nodeMbps: 60,
            memoryLimitMiB: 640,
          }),
      ...(domain ? { turnHost: `turn.${domain.domainName}`, certificate: domain.regionalCertificate } : {}),
      ...(props.turnImage ? { image: props.turnImage } : {}),
    });

    const cluster = new ecs.Cluster(this, 'Cluster', { vpc, containerInsightsV2: ecs.ContainerInsights.ENHANCED });
    const namespace = new servicediscovery.PrivateDnsNamespace(this, 'Namespace', { vpc, name: 'tandem.internal' });
    const common = {
      vpc,
      cluster,
      namespace,
      cache: access,
      vpcSubnets: this.network.serviceSubnets,
      assignPublicIp: this.network.assignPublicIp,
      allowedOrigins: this.origin,
      cpu: production ? 1024 : 256,
      memoryLimitMiB: production ? 2048 : 512,
    };
    this.auth = new AuthService(this, 'Auth', {
      ...common,
      signingKeys: this.signingKeys,
      access: props.access ?? (production ? '' : 'open'),
      profile: profile.name,
      turnSecret: this.turn.secret,
      turnUris: this.turn.turnUris,
      minTasks: replicas(topology.auth),
      maxTasks: replicas(topology.auth) * 10,
      turnDirectory: true,
      ...(props.authEnvironment ? { environment: props.authEnvironment } : {}),
      ...(props.apiKeys ? { apiKeys: props.apiKeys } : {}),
      ...(props.authImage ? { image: props.authImage } : {}),
    });
    const signalingTasks = props.signalingTasks ?? replicas(topology.signaling);
    this.signaling = new SignalingService(this, 'Signaling', {
      ...common,
      jwksUrl: `http://${this.auth.serviceName}.${namespace.namespaceName}:${this.auth.port}/.well-known/jwks.json`,
      minTasks: signalingTasks,
      maxTasks: props.maxSignalingTasks ?? signalingTasks * 10,
      ...(props.signalingEnvironment ? { environment: props.signalingEnvironment } : {}),
      ...(props.signalingImage ? { image: props.signalingImage } : {}),
    });
    this.auth.connections.allowDefaultPortFrom(this.signaling, 'JWKS');
    // A task that starts before the cache lets it in would fail its readiness for nothing.
    for (const service of [this.auth, this.signaling]) service.service.node.addDependency(this.cache.replicationGroup);
    this.edge.addService(this.auth, 10);
    this.edge.addService(this.signaling, 20);
    this.observability = new Observability(this, 'Observability', {
      signaling: this.signaling,
      auth: this.auth,
      cache: this.cache,
      turn: this.turn,
      edge: this.edge,
      webClient: this.webClient,
      minHealthy: production ? 2 : 1,
      ...(props.alarmEmails ? { emails: props.alarmEmails } : {}),
    });
    for (const service of [this.auth, this.signaling]) service.rollBackOn(...this.observability.deploymentAlarms);
    if (props.canaryApiKey || (props.access ?? 'open').split(',').includes('open'))
      this.canary = this.watchAsCaller(props, production, cluster);
    if (domain?.hostedZone) this.names(domain, domain.hostedZone);
    if (domain?.hostedZone && domain.sharedDomainName)
      new NearestRegion(this, 'NearestRegion', {
        domainName: domain.sharedDomainName,
        regionalDomainName: domain.domainName,
        certificate: domain.regionalCertificate,
        hostedZone: domain.hostedZone,
      });
    new CfnOutput(this, 'Url', { value: this.origin, description: 'Open this' });
    new CfnOutput(this, 'OriginName', {
      value: this.edge.loadBalancer.loadBalancerDnsName,
      description: 'origin.<domain> points here',
    });
    if (this.turn.tlsLoadBalancer)
      new CfnOutput(this, 'TurnName', {
        value: this.turn.tlsLoadBalancer.loadBalancerDnsName,
        description: 'turn.<domain> points here',
      });
  }

  private watchAsCaller(props: WebRtcTopologyProps, production: boolean, cluster: ecs.ICluster): Canary {
    const canary = new Canary(this, 'Canary', {
      vpc: this.network.vpc,
      cluster,
      origin: this.origin,
      vpcSubnets: this.network.serviceSubnets,
      assignPublicIp: this.network.assignPublicIp,
      without: props.domain ? [] : ['relay-tls'],
      // A development stack that mails nobody is no fault.
      ...(production || props.alarmEmails?.length ? { alarmTopic: this.observability.topic } : {}),
      ...(props.canaryApiKey ? { apiKey: props.canaryApiKey } : {}),
      ...(props.canaryImage ? { image: props.canaryImage } : {}),
    });
    this.observability.addAlarm(
      'Canary',
      'What a caller does fails from outside, or was not tried: join, message, relay over UDP or TLS.',
      'canary-failed',
      canary.metricPassed(),
      { threshold: 1, below: true, periods: 3, missingIsBad: true },
    );
    return canary;
  }

  private names(domain: DomainProps, zone: route53.IHostedZone): void {
    const alias = (id: string, recordName: string, target: route53.IAliasRecordTarget) =>
      new route53.ARecord(this, id, { zone, recordName, target: route53.RecordTarget.fromAlias(target) });
    alias('PageName', `${domain.domainName}.`, new targets.CloudFrontTarget(this.webClient.distribution));
    alias('OriginAlias', `origin.${domain.domainName}.`, new targets.LoadBalancerTarget(this.edge.loadBalancer));
    if (this.turn.tlsLoadBalancer)
      alias('TurnAlias', `turn.${domain.domainName}.`, new targets.LoadBalancerTarget(this.turn.tlsLoadBalancer));
  }
}
