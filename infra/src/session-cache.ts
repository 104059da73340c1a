import { Lazy, Names, RemovalPolicy } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { acknowledge } from './acknowledge.ts';
import { cachePassword } from './cache-password.ts';
import { check, checkInteger } from './check.ts';
import { type CheckedCache, checkCacheProps } from './check-cache-props.ts';
import { checkProps } from './check-props.ts';
import type { SessionCacheProps } from './session-cache-props.ts';

/** How a part reaches a cache: ours, or one that exists already. */
export interface CacheAccess {
  /** `rediss+cluster://host:port` and the other schemes of packages/service/src/redis.ts. */
  readonly url: string;
  /**
   * Secret with the JSON fields `username` and `password`.
   * @default - no credentials
   */
  readonly secret?: secretsmanager.ISecret;
  /**
   * Security groups and default port of the cache; the part is let in through it.
   * @default - you open the way yourself
   */
  readonly connections?: ec2.Connections;
}

/** A user of the cache: a name, a generated password, and what it may do. */
export interface CacheUserProps {
  /** Name on the wire. */
  readonly userName: string;
  /** Redis ACL rules, for example `on ~app:* +@all -@admin -@dangerous`. */
  readonly accessString: string;
  /**
   * Which password is handed out; to rotate, add 1 and deploy. A new one is made, and the one before stays valid until the next rotation: tasks that
   * run continue with it, tasks that start read the new one. ElastiCache keeps two passwords a user (its guide, "Modifying users").
   * Not in steps of two: a running task would hold a password that is gone.
   * @default 1
   */
  readonly passwordGeneration?: number;
}

/**
 * Valkey on ElastiCache in cluster mode: encrypted in transit and at rest, each client its own RBAC user, replicas in other
 * zones, automatic failover.
 */
export class SessionCache extends Construct implements ec2.IConnectable {
  /** Security group with the cache's port as default. */
  readonly connections: ec2.Connections;
  /** The L1 resource, for anything not offered here. */
  readonly replicationGroup: elasticache.CfnReplicationGroup;
  /** `rediss+cluster://…` */
  readonly url: string;
  /** Port. */
  readonly port: number = topology.cache.port;
  private readonly users: elasticache.CfnUser[] = [];
  private readonly shards: number;
  private readonly replicas: number;

  constructor(scope: Construct, id: string, props: SessionCacheProps) {
    super(scope, id);
    const described = checkCacheProps(props);
    this.shards = described.shards;
    this.replicas = described.replicas;
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: 'Session cache',
      allowAllOutbound: false,
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(this.port) });
    this.replicationGroup = this.replicationGroupFor(props, described, securityGroup);
    this.url = `rediss+cluster://${this.replicationGroup.attrConfigurationEndPointAddress}:${this.port}`;
    this.node.addValidation({
      validate: () =>
        this.users.length > 0 ? [] : ['SessionCache: no user. Fix: call addUser: without one no client can log in.'],
    });
  }

  private replicationGroupFor(
    props: SessionCacheProps,
    described: CheckedCache,
    securityGroup: ec2.SecurityGroup,
  ): elasticache.CfnReplicationGroup {
    const subnets = props.vpc.selectSubnets(props.subnets ?? { subnetType: ec2.SubnetType.PRIVATE_ISOLATED });
    const subnetGroup = new elasticache.CfnSubnetGroup(this, 'Subnets', {
      description: 'Session cache',
      subnetIds: subnets.subnetIds,
    });
    const parameters = new elasticache.CfnParameterGroup(this, 'Parameters', {
      cacheParameterGroupFamily: `valkey${described.major}`,
      description: 'Cluster mode; a full cache refuses writes instead of dropping live sessions in silence',
      properties: { 'cluster-enabled': 'yes', 'maxmemory-policy': 'noeviction' },
    });
    const userGroup = new elasticache.CfnUserGroup(this, 'Users', {
      engine: 'valkey',
      userGroupId: this.name(''),
      userIds: Lazy.list({ produce: () => this.users.map((user) => user.ref) }),
    });
    const group = new elasticache.CfnReplicationGroup(this, 'Resource', {
      replicationGroupDescription: 'Session cache: room membership, inboxes, sessions, TURN directory',
      engine: 'valkey',
      engineVersion: described.version,
      cacheNodeType: described.nodeType,
      cacheParameterGroupName: parameters.ref,
      cacheSubnetGroupName: subnetGroup.ref,
      securityGroupIds: [securityGroup.securityGroupId],
      clusterMode: 'enabled',
      numNodeGroups: this.shards,
      replicasPerNodeGroup: this.replicas,
      // Cluster mode requires it; without replicas there is simply nothing to fail over to.
      automaticFailoverEnabled: true,
      multiAzEnabled: this.replicas > 0,
      port: this.port,
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      atRestEncryptionEnabled: true,
      ...(props.encryptionKey ? { kmsKeyId: props.encryptionKey.keyArn } : {}),
      userGroupIds: [userGroup.ref],
      snapshotRetentionLimit: props.snapshotRetentionDays ?? 1,
      snapshotWindow: '03:00-04:00',
      preferredMaintenanceWindow: 'tue:04:30-tue:05:30',
      autoMinorVersionUpgrade: true,
    });
    acknowledge(group, {
      'AwsSolutions-AEC6':
        'Each client logs in as its own RBAC user (user group), which replaces the single AUTH token.',
      'AwsSolutions-AEC5':
        'The port is no secret: the security group admits only the parts, over TLS, each with a password.',
      ...(this.replicas > 0 ? {} : { 'AwsSolutions-AEC4': 'No replicas were asked for: development.' }),
    });
    group.applyRemovalPolicy(props.removalPolicy ?? RemovalPolicy.DESTROY);
    // Resharding in place: without it CloudFormation replaces the whole group when numNodeGroups changes.
    group.cfnOptions.updatePolicy = { useOnlineResharding: true };
    return group;
  }

  /** A new user with a generated password; returns what a service needs to connect. */
  addUser(id: string, props: CacheUserProps): CacheAccess {
    checkProps('SessionCache.addUser', 'CacheUserProps', props);
    check(
      /^[a-z][a-z0-9-]{0,39}$/.test(props.userName),
      'SessionCache.addUser',
      'userName',
      `"${props.userName}" does not fit`,
      'up to 40 lower-case letters, digits and hyphens, starting with a letter',
    );
    check(
      props.accessString.startsWith('on '),
      'SessionCache.addUser',
      'accessString',
      'the user would be off',
      "start it with 'on '",
    );
    const generation = props.passwordGeneration ?? 1;
    checkInteger('SessionCache.addUser', 'passwordGeneration', generation, 1, 10_000);
    const secret = cachePassword(this, id, props.userName, generation);
    const passwords = generation > 1 ? [secret, cachePassword(this, id, props.userName, generation - 1)] : [secret];
    const user = new elasticache.CfnUser(this, `${id}User`, {
      engine: 'valkey',
      userId: this.name(id),
      userName: props.userName,
      accessString: props.accessString,
      // A dynamic reference: CloudFormation reads the password at deploy time, the template never holds it.
      authenticationMode: {
        Type: 'password',
        Passwords: passwords.map((one) => one.secretValueFromJson('password').unsafeUnwrap()),
      },
    });
    this.users.push(user);
    return { url: this.url, secret, connections: this.connections };
  }

  /** Highest engine CPU of the nodes, percent; one metric for each ten nodes. Valkey commands run on one core: alarm at 70. */
  metricEngineCpu(props?: cloudwatch.MetricOptions): cloudwatch.IMetric[] {
    return this.metricHighest('EngineCPUUtilization', props);
  }

  /** Highest share of memory in use, percent; one metric for each ten nodes. */
  metricMemory(props?: cloudwatch.MetricOptions): cloudwatch.IMetric[] {
    return this.metricHighest('DatabaseMemoryUsagePercentage', props);
  }

  /** Longest lag of a replica behind its primary, seconds; one metric for each ten nodes, none without replicas. */
  metricReplicationLag(props?: cloudwatch.MetricOptions): cloudwatch.IMetric[] {
    // A primary has no lag, and which node is primary changes.
    return this.replicas > 0 ? this.metricHighest('ReplicationLag', props) : [];
  }

  /** The highest value over the nodes. Math in an alarm takes ten metrics (CloudWatch quotas), hence one for each ten nodes. */
  metricHighest(metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.IMetric[] {
    const nodes = this.nodeMetrics(metricName, { statistic: 'Maximum', ...props });
    // Short, for a template holds them thousands of times; of the name, for ids are one name space in a graph.
    const name = metricName.replace(/[^A-Z]/g, '').toLowerCase();
    return Array.from({ length: Math.ceil(nodes.length / 10) }, (_, i) => {
      // METRICS("x") is each metric whose id holds x (CloudWatch guide, "Metric math functions").
      const id = `${name}${i}n`;
      return new cloudwatch.MathExpression({
        expression: `MAX(FILL(METRICS("${id}"), 0))`,
        usingMetrics: Object.fromEntries(nodes.slice(i * 10, i * 10 + 10).map((node, n) => [`${id}${n}`, node])),
        label: `${metricName}, highest`,
        ...(props?.period ? { period: props.period } : {}),
      });
    });
  }

  /**
   * A metric of AWS/ElastiCache for each node that the template makes. ElastiCache has none for a replication group: it writes each
   * node's under the dimension CacheClusterId, which is the group's id, the shard and the node, such as `abc-0001-002`
   * (ElastiCache guide, "Monitoring use with CloudWatch metrics"; API, CacheCluster in a ReplicationGroup).
   */
  nodeMetrics(metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric[] {
    const number = (n: number, digits: number) => String(n + 1).padStart(digits, '0');
    return Array.from({ length: this.shards * (1 + this.replicas) }, (_, i) => {
      const [shard, node] = [Math.floor(i / (1 + this.replicas)), i % (1 + this.replicas)];
      return new cloudwatch.Metric({
        namespace: 'AWS/ElastiCache',
        metricName,
        dimensionsMap: { CacheClusterId: `${this.replicationGroup.ref}-${number(shard, 4)}-${number(node, 3)}` },
        ...props,
      }).attachTo(this);
    });
  }

  /** ElastiCache ids: at most 40 characters, lower case, letter first, unique in the account and region. */
  private name(suffix: string): string {
    const unique = Names.uniqueResourceName(this, { maxLength: 24 });
    return `t${unique}${suffix}`
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '')
      .slice(0, 40);
  }
}
