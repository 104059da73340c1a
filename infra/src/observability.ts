import { BURN_RATES, type MetricRef, SLOS, type Slo, THRESHOLDS, type ThresholdAlarm } from '@tandem/service/kpi';
import { Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { type CustomMetricGroup, MonitoringFacade } from 'cdk-monitoring-constructs';
import { Construct } from 'constructs';
import type { AuthService } from './auth-service.ts';
import { check } from './check.ts';
import type { Edge } from './edge.ts';
import { NAMESPACE } from './metrics-collector.ts';
import type { SessionCache } from './session-cache.ts';
import type { SignalingService } from './signaling-service.ts';
import type { TurnFleet } from './turn-fleet.ts';
import type { WebClient } from './web-client.ts';

/** Properties of {@link Observability}. Each part is optional: what is given is watched. */
export interface ObservabilityProps {
  /**
   * Signaling.
   * @default - not watched
   */
  readonly signaling?: SignalingService;
  /**
   * Auth.
   * @default - not watched
   */
  readonly auth?: AuthService;
  /**
   * Cache.
   * @default - not watched
   */
  readonly cache?: SessionCache;
  /**
   * Relays.
   * @default - not watched
   */
  readonly turn?: TurnFleet;
  /**
   * Load balancer.
   * @default - not watched
   */
  readonly edge?: Edge;
  /**
   * CloudFront.
   * @default - not watched
   */
  readonly webClient?: WebClient;
  /**
   * Where alarms go.
   * @default - a new encrypted topic
   */
  readonly topic?: sns.ITopic;
  /**
   * Addresses that get the alarms by mail; each must confirm.
   * @default - none
   */
  readonly emails?: string[];
  /**
   * Where the runbooks are, without a slash at the end.
   * @default 'docs/runbooks'
   */
  readonly runbooks?: string;
  /**
   * Fewest healthy tasks of a service and TURN nodes before it alarms.
   * @default 2
   */
  readonly minHealthy?: number;
}

/** Alarms, a dashboard and the topic they go to. Each alarm names its runbook page. */
export class Observability extends Construct {
  /** Where alarms go. */
  readonly topic: sns.ITopic;
  /** All alarms. */
  readonly alarms: cloudwatch.Alarm[] = [];
  /** Dashboard and more of cdk-monitoring-constructs. */
  private readonly monitoring: MonitoringFacade;
  private readonly runbooks: string;

  constructor(scope: Construct, id: string, props: ObservabilityProps) {
    super(scope, id);
    for (const address of props.emails ?? [])
      check(
        /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(address),
        'Observability',
        'emails',
        `"${address}" is no address`,
        'name@example.com',
      );
    this.runbooks = props.runbooks ?? 'docs/runbooks';
    this.topic = props.topic ?? this.newTopic();
    for (const address of props.emails ?? []) this.topic.addSubscription(new EmailSubscription(address));
    this.monitoring = new MonitoringFacade(this, 'Monitoring', {
      metricFactoryDefaults: { namespace: NAMESPACE },
      alarmFactoryDefaults: { alarmNamePrefix: Stack.of(this).stackName, actionsEnabled: true },
    });
    const minHealthy = props.minHealthy ?? 2;
    if (props.signaling) this.watchSignaling(props.signaling, minHealthy);
    if (props.auth) this.watchService('auth', props.auth, minHealthy);
    if (props.cache) this.watchCache(props.cache);
    if (props.turn) this.watchTurn(props.turn, minHealthy);
    if (props.edge) this.watchEdge(props.edge);
    if (props.webClient)
      this.monitoring.monitorCloudFrontDistribution({
        distribution: props.webClient.distribution,
        humanReadableName: 'CloudFront',
      });
  }

  /** Let `grantee` publish to the topic, as your own alarms may. */
  grantPublish(grantee: iam.IGrantable): iam.Grant {
    return this.topic.grantPublish(grantee);
  }

  /**
   * An alarm that goes to the topic.
   * @param runbook page under the runbooks folder
   */
  addAlarm(
    id: string,
    description: string,
    runbook: string,
    metric: cloudwatch.IMetric,
    props: AlarmThreshold,
  ): cloudwatch.Alarm {
    const alarm = new cloudwatch.Alarm(this, id, {
      alarmDescription: `${description} Runbook: ${this.runbooks}/${runbook}.md`,
      metric,
      threshold: props.threshold,
      evaluationPeriods: props.periods ?? 3,
      datapointsToAlarm: props.periods ?? 3,
      comparisonOperator: props.below
        ? cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        : cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: props.missingIsBad
        ? cloudwatch.TreatMissingData.BREACHING
        : cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
    this.alarms.push(alarm);
    return alarm;
  }

  private watchService(name: string, service: AuthService | SignalingService, minHealthy: number): void {
    const title = name === 'auth' ? 'Auth' : 'Signaling';
    this.addAlarm(
      `${title}Tasks`,
      `Fewer than ${minHealthy} ${name} tasks run.`,
      `${name}-tasks-missing`,
      service.metricRunningTasks(),
      {
        threshold: minHealthy,
        below: true,
        missingIsBad: true,
      },
    );
    this.addAlarm(
      `${title}Cpu`,
      `${title} tasks are above 80 % CPU although they scale.`,
      'overload',
      service.metricCpu({ period: Duration.minutes(1) }),
      {
        threshold: 80,
        periods: 10,
      },
    );
    this.addAlarm(
      `${title}Memory`,
      `${title} tasks are above 85 % memory.`,
      'overload',
      service.metricMemory({ period: Duration.minutes(1) }),
      {
        threshold: 85,
        periods: 10,
      },
    );
    this.group(title, [service.metricRunningTasks(), service.metricCpu(), service.metricMemory()]);
  }

  private watchSignaling(service: SignalingService, minHealthy: number): void {
    this.watchService('signaling', service, minHealthy);
    this.group('Signaling load', [
      service.metricConnections(),
      service.metric('tandem_signaling_rooms', { statistic: 'Sum' }),
    ]);
    for (const alarm of THRESHOLDS) this.threshold(alarm, service);
    for (const slo of SLOS) this.objective(slo, service);
  }

  /** A threshold of packages/service/src/kpi.ts. */
  private threshold(alarm: ThresholdAlarm, service: SignalingService): void {
    const period = Duration.minutes(alarm.statistic === 'increase' ? alarm.minutes : 1);
    const statistic = { increase: 'Sum', max: 'Maximum', min: 'Minimum' }[alarm.statistic];
    const metrics = series(alarm.metric, service, period, statistic);
    this.addAlarm(pascal(alarm.id), `${alarm.name}.`, alarm.runbook, total(metrics, period, alarm.name), {
      threshold: alarm.threshold,
      below: alarm.compare === 'below',
      periods: alarm.statistic === 'increase' ? 1 : alarm.minutes,
    });
  }

  /** Burn-rate alarms of an objective: both windows must burn, so that it starts fast and stops fast. */
  private objective(slo: Slo, service: SignalingService): void {
    // CloudWatch keeps no histogram buckets of embedded metrics: latency objectives stay with Prometheus.
    if (slo.query.good.le) return;
    const id = pascal(slo.id);
    const bad = (period: Duration) =>
      new cloudwatch.MathExpression({
        // Fewer than 20 events in a window say nothing.
        expression: 'IF(FILL(all, 0) >= 20, 1 - FILL(good, 0) / all, 0)',
        usingMetrics: {
          good: total(series(slo.query.good, service, period, 'Sum'), period, 'good', 'g'),
          all: total(series(slo.query.total, service, period, 'Sum'), period, 'all', 'a'),
        },
        label: `${slo.name}: share that failed`,
        period,
      });
    for (const rate of BURN_RATES) {
      const parts = [rate.longMinutes, rate.shortMinutes].map((minutes) => {
        // A period is a day at most: three days are three bad days in a row.
        const days = Math.max(1, Math.ceil(minutes / 1440));
        return new cloudwatch.Alarm(this, `${id}Burn${rate.factor}Over${minutes}m`, {
          alarmDescription: `${slo.name}: share that failed over ${minutes} min; half of an alarm.`,
          metric: bad(Duration.minutes(Math.min(minutes, 1440))),
          threshold: Math.min(1, Number((rate.factor * (1 - slo.objective)).toFixed(6))),
          evaluationPeriods: days,
          comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
          treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
        });
      });
      const both = new cloudwatch.CompositeAlarm(this, `${id}Burn${rate.factor}`, {
        alarmDescription: `${rate.severity}: ${slo.name} (${slo.objective * 100} % promised) burns its budget ${rate.factor} times too fast. Runbook: ${this.runbooks}/${slo.runbook}.md`,
        alarmRule: cloudwatch.AlarmRule.allOf(
          ...parts.map((part) => cloudwatch.AlarmRule.fromAlarm(part, cloudwatch.AlarmState.ALARM)),
        ),
      });
      both.addAlarmAction(new SnsAction(this.topic));
      both.addOkAction(new SnsAction(this.topic));
    }
    this.group(slo.name, [bad(Duration.minutes(5))]);
  }

  private watchCache(cache: SessionCache): void {
    const minute = { period: Duration.minutes(1) };
    this.addAlarm(
      'CacheCpu',
      'A cache node is above 70 % of its engine core.',
      'cache-overload',
      cache.metricEngineCpu(minute),
      { threshold: 70, periods: 5 },
    );
    this.addAlarm(
      'CacheMemory',
      'A cache node is above 75 % memory; at 100 % it refuses writes.',
      'cache-overload',
      cache.metricMemory(minute),
      { threshold: 75, periods: 5 },
    );
    this.addAlarm(
      'CacheLag',
      'A cache replica is over 5 s behind.',
      'cache-failover',
      cache.metricReplicationLag(minute),
      { threshold: 5, periods: 5 },
    );
    this.group('Session cache', [cache.metricEngineCpu(), cache.metricMemory(), cache.metricReplicationLag()]);
  }

  private watchTurn(turn: TurnFleet, minHealthy: number): void {
    this.addAlarm(
      'TurnNodes',
      `Fewer than ${minHealthy} TURN nodes serve.`,
      'turn-nodes-missing',
      turn.metricServing(),
      { threshold: minHealthy, below: true, missingIsBad: true },
    );
    this.addAlarm('TurnLoad', 'A TURN node is above 85 % of its capacity.', 'turn-overload', turn.metricLoad(), {
      threshold: 0.85,
      periods: 5,
    });
    this.group('TURN', [turn.metricAllocations(), turn.metricLoad(), turn.metricServing()]);
    this.monitoring.monitorAutoScalingGroup({
      autoScalingGroup: turn.autoScalingGroup,
      humanReadableName: 'TURN instances',
    });
  }

  private watchEdge(edge: Edge): void {
    const balancer = edge.loadBalancer.metrics;
    this.addAlarm(
      'EdgeErrors',
      'The services or the load balancer answer with 5xx.',
      'edge-errors',
      edge.metricErrors({ period: Duration.minutes(1) }),
      { threshold: 10 },
    );
    this.addAlarm(
      'EdgeRejected',
      'The load balancer rejects connections: its own limit.',
      'overload',
      balancer.rejectedConnectionCount({ period: Duration.minutes(1) }),
      { threshold: 0 },
    );
    edge.targetGroups.forEach((group, index) => {
      this.addAlarm(
        `Unhealthy${index}`,
        'Targets fail their health check.',
        'edge-errors',
        group.metrics.unhealthyHostCount({ period: Duration.minutes(1), statistic: 'Maximum' }),
        { threshold: 0, periods: 5 },
      );
    });
    this.group('Load balancer', [
      edge.metricErrors(),
      balancer.activeConnectionCount(),
      balancer.newConnectionCount(),
      balancer.consumedLCUs(),
    ]);
  }

  private group(title: string, metrics: cloudwatch.IMetric[]): void {
    const one: CustomMetricGroup = { title, metrics: metrics as cloudwatch.Metric[] };
    this.monitoring.monitorCustom({
      humanReadableName: title,
      alarmFriendlyName: title.replace(/\W/g, ''),
      metricGroups: [one],
    });
  }

  private newTopic(): sns.ITopic {
    const key = new kms.Key(this, 'TopicKey', { description: 'Alarms', enableKeyRotation: true });
    // CloudWatch publishes through the key; AWS "Encrypting messages published to an encrypted topic".
    key.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    return new sns.Topic(this, 'Alarms', { displayName: 'Tandem alarms', masterKey: key, enforceSSL: true });
  }
}

/** When an alarm of {@link Observability.addAlarm} goes off. */
export interface AlarmThreshold {
  /** The value not to pass. */
  readonly threshold: number;
  /**
   * Alarm below it instead of above.
   * @default false
   */
  readonly below?: boolean;
  /**
   * How many periods in a row.
   * @default 3
   */
  readonly periods?: number;
  /**
   * No data counts as bad.
   * @default false
   */
  readonly missingIsBad?: boolean;
}

/** One metric for each combination of the filter's label values. */
function series(ref: MetricRef, service: SignalingService, period: Duration, statistic: string): cloudwatch.Metric[] {
  const [where] = Object.entries(ref.where ?? {});
  const of = (labels: Record<string, string>) =>
    new cloudwatch.Metric({
      namespace: NAMESPACE,
      metricName: ref.metric,
      dimensionsMap: { service: service.serviceName, stack: Stack.of(service).stackName, ...labels },
      statistic,
      period,
    });
  if (!where) return [of({})];
  const [label, values] = where;
  return [values].flat().map((value) => of({ [label]: value }));
}

function total(metrics: cloudwatch.Metric[], period: Duration, label: string, prefix = 'm'): cloudwatch.IMetric {
  const [only] = metrics;
  if (only && metrics.length === 1) return only;
  return new cloudwatch.MathExpression({
    expression: metrics.map((_, i) => `FILL(${prefix}${i}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(metrics.map((metric, i) => [`${prefix}${i}`, metric])),
    label,
    period,
  });
}

function pascal(id: string): string {
  return id.replace(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());
}
