/** Properties as plain JavaScript and casts give them: names and types that the compiler would refuse are refused when the construct is made. */
import { nearestName } from '@tandem/service/setting-names';
import { RemovalPolicy, type StackProps, Token } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { check } from './check.ts';
import { KNOWN_PROPS } from './known-props.ts';

type Known = keyof typeof KNOWN_PROPS;
type Rule = readonly [takes: (value: unknown) => boolean, what: string];

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
/** Judged by a member that the type has: two copies of a library have two classes of one name. */
const having = (member: string, what: string): Rule => [(value) => isObject(value) && member in value, what];
const oneOf = (values: object, what: string): Rule => [(value) => Object.values(values).includes(value), what];

/** Types of properties that are not interfaces of ours, as known-props.ts writes them. */
const RULES: Readonly<Record<string, Rule>> = {
  number: [Number.isFinite, 'a number'],
  string: [(value) => typeof value === 'string', 'text'],
  boolean: [(value) => typeof value === 'boolean', 'true or false'],
  Duration: having('toSeconds', 'a Duration, such as Duration.minutes(5)'),
  Size: having('toMebibytes', 'a Size, such as Size.gibibytes(100)'),
  RemovalPolicy: oneOf(RemovalPolicy, 'a RemovalPolicy, such as RemovalPolicy.RETAIN'),
  'logs.RetentionDays': oneOf(logs.RetentionDays, 'a RetentionDays, such as RetentionDays.ONE_MONTH'),
  'cloudfront.PriceClass': oneOf(cloudfront.PriceClass, 'a PriceClass, such as PriceClass.PRICE_CLASS_100'),
  'acm.ICertificate': having('certificateArn', 'a certificate, such as Certificate.fromCertificateArn(…)'),
  'ec2.Connections': having('allowDefaultPortFrom', 'Connections, such as new Connections({ securityGroups: […] })'),
  'ec2.IMachineImage': having('getImage', 'a machine image, such as MachineImage.genericLinux(…)'),
  'ec2.InstanceType': having('isBurstable', "an instance type, such as new InstanceType('c7gn.medium')"),
  'ec2.IVpc': having('vpcId', 'a VPC, such as new Vpc(…) or Vpc.fromLookup(…)'),
  'ec2.SubnetSelection': [isObject, 'a choice of subnets, such as { subnetType: SubnetType.PUBLIC }'],
  'ecs.ContainerImage': having('bind', 'a container image, such as ContainerImage.fromRegistry(…)'),
  'ecs.CpuArchitecture': having('_cpuArchitecture', 'an architecture, such as CpuArchitecture.ARM64'),
  'ecs.ICluster': having('clusterName', 'an ECS cluster, such as new Cluster(…)'),
  'ecs.Secret': having('grantRead', 'a secret of ECS, such as Secret.fromSecretsManager(…)'),
  'kms.IKey': having('keyArn', 'a KMS key, such as Key.fromKeyArn(…)'),
  'route53.IHostedZone': having('hostedZoneId', 'a hosted zone, such as HostedZone.fromLookup(…)'),
  'secretsmanager.ISecret': having('secretArn', 'a secret, such as Secret.fromSecretNameV2(…)'),
  'servicediscovery.IPrivateDnsNamespace': having('namespaceName', 'a namespace, such as new PrivateDnsNamespace(…)'),
  'sqs.IQueue': having('queueArn', 'a queue, such as Queue.fromQueueArn(…)'),
  'sns.ITopic': having('topicArn', 'a topic, such as Topic.fromTopicArn(…)'),
  TopologyProfile: having('isProduction', 'a profile, such as TopologyProfile.DEVELOPMENT'),
  AuthService: having('serviceName', 'an AuthService'),
  CaptionsService: having('languages', 'a CaptionsService'),
  Edge: having('addStreams', 'an Edge'),
  HooksService: having('webhookKey', 'a HooksService'),
  MediaFleet: having('metricRooms', 'a MediaFleet'),
  Recordings: having('place', 'Recordings'),
  SessionCache: having('addUser', 'a SessionCache'),
  SignalingService: having('metricConnections', 'a SignalingService'),
  SigningKeys: having('keySource', 'SigningKeys'),
  TurnFleet: having('turnUris', 'a TurnFleet'),
  WebClient: having('distribution', 'a WebClient'),
};

/** Names of interfaces of the CDK. A later CDK has more, so only what is nearly one of these is refused. */
const FOREIGN = {
  'ec2.SubnetSelection': {
    availabilityZones: true,
    onePerAz: true,
    subnetFilters: true,
    subnetGroupName: true,
    subnetType: true,
    subnets: true,
  } satisfies Record<keyof ec2.SubnetSelection, true>,
  StackProps: {
    analyticsReporting: true,
    crossRegionReferences: true,
    description: true,
    env: true,
    notificationArns: true,
    permissionsBoundary: true,
    propertyInjectors: true,
    stackName: true,
    suppressTemplateIndentation: true,
    synthesizer: true,
    tags: true,
    terminationProtection: true,
  } satisfies Record<keyof StackProps, true>,
};

/**
 * Refuses properties that the interface has not, that are missing, and whose value is of another type, at every level.
 * What only the deployment knows (a token) passes, and so does an undefined one.
 * @param construct named in the error, such as WebRtcTopology.turnOptions
 * @param type interface of the properties
 * @throws Error naming the property and the fix
 */
export function checkProps(construct: string, type: Known, props: unknown): void {
  const given = props ?? {};
  check(isObject(given) && !Array.isArray(given), construct, 'props', 'it is no object', 'an object of properties');
  const types = new Map(
    KNOWN_PROPS[type].split('; ').map((one): [string, { optional: boolean; type: string }] => {
      const [name = '', of = ''] = one.split(': ');
      const optional = name.endsWith('?');
      return [optional ? name.slice(0, -1) : name, { optional, type: of }];
    }),
  );
  checkNames(construct, given, [...types.keys()], type === 'TopologyStackProps' ? Object.keys(FOREIGN.StackProps) : []);
  for (const [name, { optional, type: of }] of types) {
    const value: unknown = Reflect.get(given, name);
    if (value === undefined || value === null)
      check(
        optional && value !== null,
        construct,
        name,
        'it is missing',
        `give ${name}; its docstring says what it is`,
      );
    else checkValue(construct, name, of, value);
  }
}

/** @param foreign names that a library defines: what is near neither of them nor of `known` passes, if there are any */
function checkNames(construct: string, given: object, known: readonly string[], foreign: readonly string[]): void {
  // An instance of a class has members of its own.
  if (![Object.prototype, null].includes(Object.getPrototypeOf(given))) return;
  const all = [...known, ...foreign];
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || all.includes(name)) continue;
    const meant = nearestName(name, all);
    if (!meant && foreign.length > 0) continue;
    check(
      false,
      construct,
      name,
      'there is no such property',
      meant ? `${meant}, if that is meant` : `leave it out; there are ${all.join(', ')}`,
    );
  }
}

function checkValue(construct: string, name: string, type: string, value: unknown): void {
  if (Token.isUnresolved(value)) return;
  if (type.endsWith('[]')) {
    check(Array.isArray(value), construct, name, `${shown(value)} is no list`, 'a list, even of one');
    for (const [i, one] of (value as unknown[]).entries())
      checkValue(construct, `${name}[${i}]`, type.slice(0, -2), one);
    return;
  }
  if (type.startsWith('map of ')) {
    check(
      isObject(value) && !Array.isArray(value),
      construct,
      name,
      'it is no object',
      'an object, such as { NAME: … }',
    );
    const of = type.slice('map of '.length);
    if (of !== 'unknown')
      for (const [key, one] of Object.entries(value as object))
        if (one !== undefined) checkValue(construct, `${name}.${key}`, of, one);
    return;
  }
  if (type in KNOWN_PROPS) {
    check(isObject(value), construct, name, `${shown(value)} is no object`, 'an object of properties');
    checkProps(`${construct}.${name}`, type as Known, value);
    return;
  }
  const rule = RULES[type];
  if (!rule) throw new Error(`check-props: ${type} of ${construct}.${name} has no rule`);
  // Given where a secret belongs, a text may be one.
  const said = type.endsWith('ecret') && typeof value === 'string' ? 'a text' : shown(value);
  check(rule[0](value), construct, name, `${said} is not ${rule[1].replace(/, such as .*/, '')}`, rule[1]);
  if (type === 'ec2.SubnetSelection')
    checkNames(`${construct}.${name}`, value as object, [], Object.keys(FOREIGN['ec2.SubnetSelection']));
}

/** A value in an error. No object: it may hold a secret. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > 60 ? 'a text' : JSON.stringify(value);
  if (isObject(value)) return Array.isArray(value) ? 'a list' : 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
