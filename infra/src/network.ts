import { Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { check, checkInteger } from './check.ts';
import { checkProps } from './check-props.ts';

/** Fields of a flow log that hold no address. VPC guide, "Flow log records". */
const FLOW_LOG_FIELDS = [
  'version',
  'interface-id',
  'instance-id',
  'subnet-id',
  'az-id',
  'srcport',
  'dstport',
  'protocol',
  'tcp-flags',
  'packets',
  'bytes',
  'start',
  'end',
  'action',
  'log-status',
  'flow-direction',
  'reject-reason',
];

/** What ECS and the services call while they run. */
const INTERFACES = {
  EcrApi: ec2.InterfaceVpcEndpointAwsService.ECR,
  EcrImages: ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Logs: ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  Secrets: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
  Keys: ec2.InterfaceVpcEndpointAwsService.KMS,
};

/** Properties of {@link Network}. */
export interface NetworkProps {
  /**
   * How many availability zones.
   * @default 3
   */
  readonly zones?: number;
  /**
   * NAT gateways, one a zone at most. 0: tasks run in public subnets with public addresses and closed security groups.
   * @default - one a zone
   */
  readonly natGateways?: number;
  /**
   * Address range of the VPC.
   * @default '10.60.0.0/16'
   */
  readonly cidr?: string;
  /**
   * Keep accepted and rejected flows in CloudWatch Logs, by interface, port and protocol; no address of a caller.
   * @default true
   */
  readonly flowLogs?: boolean;
  /**
   * Interface endpoints for what the services call (images, logs, secrets, keys), so that it passes through no NAT gateway. Each costs about
   * $7 a month and zone, and the traffic of a NAT gateway $0.045 a GB.
   * @default false
   */
  readonly interfaceEndpoints?: boolean;
  /**
   * How long flow logs are kept.
   * @default ONE_MONTH
   */
  readonly flowLogRetention?: logs.RetentionDays;
}

/**
 * A VPC over several zones: `public` (load balancer, TURN), `private` (services; only with NAT) and `isolated` (cache).
 *
 * In a stack without account and region CDK knows two zones only: extend {@link TopologyStack}, or override
 * `availabilityZones` of your stack.
 */
export class Network extends Construct {
  /** The VPC. */
  readonly vpc: ec2.Vpc;
  /** Where tasks run: private subnets behind NAT, or public ones when there is no NAT. */
  readonly serviceSubnets: ec2.SubnetSelection;
  /** Where the cache runs: no route to the internet at all. */
  readonly cacheSubnets: ec2.SubnetSelection;
  /** Whether tasks need a public address of their own to reach registries and AWS interfaces. */
  readonly assignPublicIp: boolean;

  constructor(scope: Construct, id: string, props: NetworkProps = {}) {
    super(scope, id);
    checkProps('Network', 'NetworkProps', props);
    const zones = props.zones ?? 3;
    checkInteger('Network', 'zones', zones, 2, 6);
    checkInteger('Network', 'natGateways', props.natGateways, 0, zones);
    if (props.cidr !== undefined && !Token.isUnresolved(props.cidr))
      check(
        /^(\d{1,3}\.){2}0\.0\/16$/.test(props.cidr),
        'Network',
        'cidr',
        `"${props.cidr}" does not hold a /20 for each public and private subnet`,
        'a /16, such as 10.60.0.0/16',
      );
    const natGateways = props.natGateways ?? zones;
    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(props.cidr ?? '10.60.0.0/16'),
      maxAzs: zones,
      natGateways,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        // /20: TURN nodes and, without NAT, tasks live here.
        { name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 20, mapPublicIpOnLaunch: false },
        ...(natGateways > 0 ? [{ name: 'private', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 }] : []),
        { name: 'isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
      ],
      // Image layers come from S3: without it they would be paid for as NAT traffic.
      gatewayEndpoints: { S3: { service: ec2.GatewayVpcEndpointAwsService.S3 } },
    });
    check(
      this.vpc.availabilityZones.length === zones,
      'Network',
      'zones',
      `${zones} wanted, but this stack offers ${this.vpc.availabilityZones.length}`,
      'extend TopologyStack, or override availabilityZones in your stack',
    );
    if (props.interfaceEndpoints ?? false)
      for (const [id, service] of Object.entries(INTERFACES)) this.vpc.addInterfaceEndpoint(id, { service });
    if (props.flowLogs ?? true) {
      this.vpc.addFlowLog('FlowLog', {
        // Addresses of callers are personal data; interface and port say why a packet was refused.
        logFormat: FLOW_LOG_FIELDS.map((field) => ec2.LogFormat.field(field)),
        destination: ec2.FlowLogDestination.toCloudWatchLogs(
          new logs.LogGroup(this, 'FlowLogs', { retention: props.flowLogRetention ?? logs.RetentionDays.ONE_MONTH }),
        ),
      });
    }
    this.assignPublicIp = natGateways === 0;
    this.serviceSubnets = {
      subnetType: this.assignPublicIp ? ec2.SubnetType.PUBLIC : ec2.SubnetType.PRIVATE_WITH_EGRESS,
    };
    this.cacheSubnets = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };
  }
}
