/** Properties of each public interface, and their types. Generated: npm run api; checkProps reads it. */
export const KNOWN_PROPS = {
  AuthServiceProps:
    'vpc: ec2.IVpc; cluster?: ecs.ICluster; vpcSubnets?: ec2.SubnetSelection; assignPublicIp?: boolean; image?: ecs.ContainerImage; cpuArchitecture?: ecs.CpuArchitecture; cpu?: number; memoryLimitMiB?: number; minTasks?: number; maxTasks?: number; schedules?: ScheduledSize[]; stopTimeout?: Duration; deregistrationDelay?: Duration; targetCpuPercent?: number; environment?: map of string; secrets?: map of ecs.Secret; namespace?: servicediscovery.IPrivateDnsNamespace; logRetention?: logs.RetentionDays; collectorImage?: ecs.ContainerImage; remoteShell?: boolean; traces?: boolean; metrics?: boolean; cache: CacheAccess; signingKeys: SigningKeys; access?: string; apiKeys?: secretsmanager.ISecret; turnSecret?: secretsmanager.ISecret; mediaSecret?: secretsmanager.ISecret; turnDirectory?: boolean; turnUris?: string; stunUris?: string; allowedOrigins?: string; profile?: string; trustedProxies?: number',
  CanaryProps:
    'vpc: ec2.IVpc; origin: string; vpcSubnets?: ec2.SubnetSelection; assignPublicIp?: boolean; cluster?: ecs.ICluster; apiKey?: secretsmanager.ISecret; alarmTopic?: sns.ITopic; without?: string[]; interval?: Duration; image?: ecs.ContainerImage; cpuArchitecture?: ecs.CpuArchitecture; logRetention?: logs.RetentionDays',
  CaptionsServiceProps:
    'vpc: ec2.IVpc; cluster?: ecs.ICluster; vpcSubnets?: ec2.SubnetSelection; assignPublicIp?: boolean; image?: ecs.ContainerImage; cpuArchitecture?: ecs.CpuArchitecture; cpu?: number; memoryLimitMiB?: number; minTasks?: number; maxTasks?: number; schedules?: ScheduledSize[]; stopTimeout?: Duration; deregistrationDelay?: Duration; targetCpuPercent?: number; environment?: map of string; secrets?: map of ecs.Secret; namespace?: servicediscovery.IPrivateDnsNamespace; logRetention?: logs.RetentionDays; collectorImage?: ecs.ContainerImage; remoteShell?: boolean; traces?: boolean; metrics?: boolean; jwksUrl: string; recognizerImage?: ecs.ContainerImage; language?: string; recognizers?: map of string; allowedOrigins?: string; trustedProxies?: number; maxSpeakers?: number',
  EdgeProps:
    'vpc: ec2.IVpc; vpcSubnets?: ec2.SubnetSelection; idleTimeout?: Duration; rateLimit?: number; authRateLimit?: number; apiRateLimit?: number; playlistRateLimit?: number; logRetention?: logs.RetentionDays; deletionProtection?: boolean; accessLogs?: boolean; removalPolicy?: RemovalPolicy',
  HooksServiceProps:
    'vpc: ec2.IVpc; cluster?: ecs.ICluster; vpcSubnets?: ec2.SubnetSelection; assignPublicIp?: boolean; image?: ecs.ContainerImage; cpuArchitecture?: ecs.CpuArchitecture; cpu?: number; memoryLimitMiB?: number; minTasks?: number; maxTasks?: number; schedules?: ScheduledSize[]; stopTimeout?: Duration; deregistrationDelay?: Duration; targetCpuPercent?: number; environment?: map of string; secrets?: map of ecs.Secret; namespace?: servicediscovery.IPrivateDnsNamespace; logRetention?: logs.RetentionDays; collectorImage?: ecs.ContainerImage; remoteShell?: boolean; traces?: boolean; metrics?: boolean; cache: CacheAccess; jwksUrl: string; webhookKey?: secretsmanager.ISecret; trustedProxies?: number; apiRequestsPerSecond?: number; maxStreams?: number; queues?: sqs.IQueue[]',
  MediaDirectoryProps: 'cache: SessionCache; passwordGeneration?: number',
  MediaFleetProps:
    'instanceType?: ec2.InstanceType; schedules?: ScheduledSize[]; nodeMbps?: number; memoryLimitMiB?: number; drainTimeout?: Duration; remoteShell?: boolean; vpc: ec2.IVpc; machineImage?: ec2.IMachineImage; minNodes?: number; maxNodes?: number; image?: ecs.ContainerImage; logRetention?: logs.RetentionDays; maxLegs?: number; maxPublishers?: number; directory: CacheAccess; signalingUrl: string; authUrl: string; trustedProxies?: number; secret?: secretsmanager.ISecret; packagers?: number; packagerImage?: ecs.ContainerImage; recordings?: Recordings',
  NearestRegionProps:
    'domainName: string; certificate: acm.ICertificate; hostedZone: route53.IHostedZone; regionalDomainName: string',
  NetworkProps:
    'zones?: number; natGateways?: number; cidr?: string; flowLogs?: boolean; interfaceEndpoints?: boolean; flowLogRetention?: logs.RetentionDays',
  NodeFleetProps:
    'instanceType?: ec2.InstanceType; schedules?: ScheduledSize[]; nodeMbps?: number; memoryLimitMiB?: number; drainTimeout?: Duration; remoteShell?: boolean; vpc: ec2.IVpc; machineImage?: ec2.IMachineImage; minNodes?: number; maxNodes?: number; image?: ecs.ContainerImage; logRetention?: logs.RetentionDays',
  NodeOptions:
    'instanceType?: ec2.InstanceType; schedules?: ScheduledSize[]; nodeMbps?: number; memoryLimitMiB?: number; drainTimeout?: Duration; remoteShell?: boolean',
  AlarmThreshold: 'threshold: number; below?: boolean; periods?: number; missingIsBad?: boolean',
  ObservabilityProps:
    'signaling?: SignalingService; auth?: AuthService; hooks?: HooksService; captions?: CaptionsService; cache?: SessionCache; turn?: TurnFleet; media?: MediaFleet; recordings?: Recordings; edge?: Edge; webClient?: WebClient; topic?: sns.ITopic; emails?: string[]; monthlyEgressBudgetUsd?: number; budgetTag?: string; runbooks?: string; minHealthy?: number',
  RealtimeServiceProps:
    'vpc: ec2.IVpc; cluster?: ecs.ICluster; vpcSubnets?: ec2.SubnetSelection; assignPublicIp?: boolean; image?: ecs.ContainerImage; cpuArchitecture?: ecs.CpuArchitecture; cpu?: number; memoryLimitMiB?: number; minTasks?: number; maxTasks?: number; schedules?: ScheduledSize[]; stopTimeout?: Duration; deregistrationDelay?: Duration; targetCpuPercent?: number; environment?: map of string; secrets?: map of ecs.Secret; namespace?: servicediscovery.IPrivateDnsNamespace; logRetention?: logs.RetentionDays; collectorImage?: ecs.ContainerImage; remoteShell?: boolean; traces?: boolean; metrics?: boolean; cache: CacheAccess',
  TaskServiceProps:
    'vpc: ec2.IVpc; cluster?: ecs.ICluster; vpcSubnets?: ec2.SubnetSelection; assignPublicIp?: boolean; image?: ecs.ContainerImage; cpuArchitecture?: ecs.CpuArchitecture; cpu?: number; memoryLimitMiB?: number; minTasks?: number; maxTasks?: number; schedules?: ScheduledSize[]; stopTimeout?: Duration; deregistrationDelay?: Duration; targetCpuPercent?: number; environment?: map of string; secrets?: map of ecs.Secret; namespace?: servicediscovery.IPrivateDnsNamespace; logRetention?: logs.RetentionDays; collectorImage?: ecs.ContainerImage; remoteShell?: boolean; traces?: boolean; metrics?: boolean',
  RecordingsProps:
    'vpc: ec2.IVpc; vpcSubnets?: ec2.SubnetSelection; assignPublicIp?: boolean; cluster?: ecs.ICluster; retention?: Duration; encryptionKey?: kms.IKey; cpu?: number; memoryLimitMiB?: number; disk?: Size; sweepInterval?: Duration; image?: ecs.ContainerImage; cpuArchitecture?: ecs.CpuArchitecture; logRetention?: logs.RetentionDays; removalPolicy?: RemovalPolicy',
  ScheduledSize: 'time: string; days?: string[]; timeZone?: string; min: number; max?: number',
  CacheAccess: 'url: string; secret?: secretsmanager.ISecret; connections?: ec2.Connections',
  CacheUserProps: 'userName: string; accessString: string; passwordGeneration?: number',
  SessionCacheProps:
    'vpc: ec2.IVpc; subnets?: ec2.SubnetSelection; shards?: number; replicasPerShard?: number; nodeType?: string; engineVersion?: string; snapshotRetentionDays?: number; encryptionKey?: kms.IKey; removalPolicy?: RemovalPolicy',
  SignalingServiceProps:
    'vpc: ec2.IVpc; cluster?: ecs.ICluster; vpcSubnets?: ec2.SubnetSelection; assignPublicIp?: boolean; image?: ecs.ContainerImage; cpuArchitecture?: ecs.CpuArchitecture; cpu?: number; memoryLimitMiB?: number; minTasks?: number; maxTasks?: number; schedules?: ScheduledSize[]; stopTimeout?: Duration; deregistrationDelay?: Duration; targetCpuPercent?: number; environment?: map of string; secrets?: map of ecs.Secret; namespace?: servicediscovery.IPrivateDnsNamespace; logRetention?: logs.RetentionDays; collectorImage?: ecs.ContainerImage; remoteShell?: boolean; traces?: boolean; metrics?: boolean; cache: CacheAccess; jwksUrl: string; allowedOrigins?: string; trustedProxies?: number; createRooms?: string; apiRequestsPerSecond?: number; events?: boolean; recordings?: Recordings; targetConnections?: number',
  SigningKeysProps: 'inProcess?: boolean; key?: kms.IKey; otherKeys?: kms.IKey[]; removalPolicy?: RemovalPolicy',
  CacheOptions:
    'nodeType?: string; replicasPerShard?: number; engineVersion?: string; snapshotRetentionDays?: number; encryptionKey?: kms.IKey',
  CaptionsOptions:
    'recognizerImage?: ecs.ContainerImage; language?: string; recognizers?: map of string; cpu?: number; memoryLimitMiB?: number; minTasks?: number; maxTasks?: number; maxSpeakers?: number; environment?: map of string',
  DomainProps:
    'domainName: string; certificate: acm.ICertificate; regionalCertificate: acm.ICertificate; hostedZone?: route53.IHostedZone; sharedDomainName?: string',
  EventsOptions:
    'cpu?: number; memoryLimitMiB?: number; minTasks?: number; maxTasks?: number; webhookKey?: secretsmanager.ISecret; apiRequestsPerSecond?: number; maxStreams?: number; queues?: sqs.IQueue[]; environment?: map of string',
  ExistingCache: 'services: CacheAccess; turnNodes: CacheAccess; mediaNodes?: CacheAccess; hooks?: CacheAccess',
  MediaOptions:
    'instanceType?: ec2.InstanceType; schedules?: ScheduledSize[]; nodeMbps?: number; memoryLimitMiB?: number; drainTimeout?: Duration; remoteShell?: boolean; maxLegs?: number; maxPublishers?: number',
  RecordingsOptions: 'retention?: Duration; cpu?: number; memoryLimitMiB?: number; disk?: Size',
  ServiceOptions:
    'cpu?: number; memoryLimitMiB?: number; stopTimeout?: Duration; targetCpuPercent?: number; schedules?: ScheduledSize[]; remoteShell?: boolean; traces?: boolean',
  TurnOptions:
    'instanceType?: ec2.InstanceType; schedules?: ScheduledSize[]; nodeMbps?: number; memoryLimitMiB?: number; drainTimeout?: Duration; remoteShell?: boolean; maxBytesPerSecond?: number; userQuota?: number; totalQuota?: number; secretRotation?: Duration',
  TopologyStackProps: 'zones?: number',
  TurnDirectoryProps: 'cache: SessionCache; passwordGeneration?: number',
  TurnFleetProps:
    'instanceType?: ec2.InstanceType; schedules?: ScheduledSize[]; nodeMbps?: number; memoryLimitMiB?: number; drainTimeout?: Duration; remoteShell?: boolean; vpc: ec2.IVpc; machineImage?: ec2.IMachineImage; minNodes?: number; maxNodes?: number; image?: ecs.ContainerImage; logRetention?: logs.RetentionDays; maxBytesPerSecond?: number; userQuota?: number; totalQuota?: number; secretRotation?: Duration; directory?: CacheAccess; secret?: secretsmanager.ISecret; realm?: string; turnHost?: string; certificate?: acm.ICertificate; deletionProtection?: boolean',
  TurnSecretProps: 'rotation?: Duration; logRetention?: logs.RetentionDays',
  ViewerRulesProps: 'managedRules?: string[]',
  HstsOptions: 'maxAge?: Duration; includeSubdomains?: boolean; preload?: boolean',
  WebClientProps:
    'clientBuild?: string; edge?: Edge; edgePatterns?: string[]; domainName?: string; certificate?: acm.ICertificate; config?: map of unknown; webAclArn?: string; hsts?: HstsOptions; priceClass?: cloudfront.PriceClass; logRetention?: logs.RetentionDays; removalPolicy?: RemovalPolicy',
  WebRtcTopologyProps:
    'profile?: TopologyProfile; domain?: DomainProps; clientBuild?: string; clientConfig?: map of unknown; zones?: number; access?: string; apiKeys?: secretsmanager.ISecret; authEnvironment?: map of string; signalingEnvironment?: map of string; authImage?: ecs.ContainerImage; signalingImage?: ecs.ContainerImage; hooksImage?: ecs.ContainerImage; captionsImage?: ecs.ContainerImage; turnImage?: ecs.ContainerImage; mediaImage?: ecs.ContainerImage; packagerImage?: ecs.ContainerImage; composerImage?: ecs.ContainerImage; canaryApiKey?: secretsmanager.ISecret; canaryImage?: ecs.ContainerImage; collectorImage?: ecs.ContainerImage; cacheShards?: number; cachePasswordGeneration?: number; vpc?: ec2.IVpc; cluster?: ecs.ICluster; privateDomainName?: string; existingCache?: ExistingCache; cacheOptions?: CacheOptions; serviceOptions?: ServiceOptions; turnOptions?: TurnOptions; events?: boolean; eventsOptions?: EventsOptions; captions?: CaptionsOptions; createRooms?: string; apiRequestsPerSecond?: number; mediaNodes?: number; maxMediaNodes?: number; packagers?: number; recordings?: boolean; recordingsOptions?: RecordingsOptions; mediaOptions?: MediaOptions; logRetention?: logs.RetentionDays; removalPolicy?: RemovalPolicy; webAclArn?: string; alarmTopic?: sns.ITopic; monthlyEgressBudgetUsd?: number; interfaceEndpoints?: boolean; rateLimit?: number; authRateLimit?: number; hsts?: HstsOptions; signalingTasks?: number; maxSignalingTasks?: number; turnNodes?: number; maxTurnNodes?: number; alarmEmails?: string[]',
} as const;
