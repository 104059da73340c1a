import { SLOS, THRESHOLDS } from '@tandem/service/kpi';
import { Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { type CustomMetricGroup, DefaultDashboardFactory, MonitoringFacade } from 'cdk-monitoring-constructs';
import { Construct } from 'constructs';
import { alarmTopic } from './alarm-topic.ts';
import { warmUp } from './alarm-warm-up.ts';
import { captionsMetrics } from './captions-metrics.ts';
import { check, checkInteger } from './check.ts';
import { checkProps } from './check-props.ts';
import type { Edge } from './edge.ts';
import { egressBudget } from './egress-budget.ts';
import { globalName } from './global-name.ts';
import type { HooksService } from './hooks-service.ts';
import { objectiveAlarms, thresholdAlarm } from './kpi-alarms.ts';
import type { MediaFleet } from './media-fleet.ts';
import { NAMESPACE } from './metrics-collector.ts';
import { nodeAlarms } from './node-alarms.ts';
import type { AlarmThreshold, ObservabilityProps } from './observability-props.ts';
import type { RealtimeService } from './realtime-service.ts';
import { recordingAlarms } from './recording-alarms.ts';
import type { SessionCache } from './session-cache.ts';
import type { SignalingService } from './signaling-service.ts';
import { streamAlarms, streamTargetAlarm } from './stream-alarms.ts';
import { tasksLacking } from './tasks-lacking.ts';
import type { TurnFleet } from './turn-fleet.ts';

/** Alarms, a dashboard and the topic they go to. Each alarm names its runbook page. */
export class Observability extends Construct {
  /** Where alarms go. */
  readonly topic: sns.ITopic;
  /** All alarms. */
  readonly alarms: cloudwatch.Alarm[] = [];
  /** Those that say within minutes that a release is bad, for {@link RealtimeService.rollBackOn}. */
  readonly deploymentAlarms: cloudwatch.Alarm[] = [];
  /** Dashboard and more of cdk-monitoring-constructs. */
  private readonly monitoring: MonitoringFacade;
  /** Where the runbooks are. */
  readonly runbooks: string;

  constructor(scope: Construct, id: string, props: ObservabilityProps) {
    super(scope, id);
    checkProps('Observability', 'ObservabilityProps', props);
    for (const address of props.emails ?? [])
      check(
        /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(address),
        'Observability',
        'emails',
        `"${address}" is no address`,
        'name@example.com',
      );
    checkInteger('Observability', 'minHealthy', props.minHealthy, 1, 1000);
    this.runbooks = props.runbooks ?? 'docs/runbooks';
    this.topic = props.topic ?? alarmTopic(this);
    for (const address of props.emails ?? []) this.topic.addSubscription(new EmailSubscription(address));
    this.monitoring = new MonitoringFacade(this, 'Monitoring', {
      dashboardFactory: new DefaultDashboardFactory(this, 'Dashboards', { dashboardNamePrefix: globalName(this, 200) }),
      metricFactoryDefaults: { namespace: NAMESPACE },
      alarmFactoryDefaults: { alarmNamePrefix: Stack.of(this).stackName, actionsEnabled: true },
    });
    checkInteger('Observability', 'monthlyEgressBudgetUsd', props.monthlyEgressBudgetUsd, 1, 100_000_000);
    if (props.monthlyEgressBudgetUsd !== undefined)
      egressBudget(this, { usd: props.monthlyEgressBudgetUsd, tag: props.budgetTag, topic: this.topic });
    const minHealthy = props.minHealthy ?? 2;
    if (props.signaling) this.watchSignaling(props.signaling, minHealthy);
    if (props.auth) this.watchService('auth', props.auth, minHealthy);
    if (props.hooks) this.watchHooks(props.hooks, minHealthy);
    if (props.captions) this.watchService('captions', props.captions, minHealthy);
    if (props.captions) this.group('Captions of speech', captionsMetrics(props.captions));
    if (props.cache) this.watchCache(props.cache);
    if (props.turn) this.watchTurn(props.turn, minHealthy);
    if (props.media) this.watchMedia(props.media, minHealthy);
    if (props.recordings) this.group('Recordings', recordingAlarms(this, props.recordings));
    if (props.edge) this.watchEdge(props.edge);
    if (props.webClient)
      this.monitoring.monitorCloudFrontDistribution({
        distribution: props.webClient.distribution,
        humanReadableName: 'CloudFront',
        // CacheHitRate and its kin are written for a monitoring subscription only, which is paid for.
        additionalMetricsEnabled: false,
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
    checkProps('Observability.addAlarm', 'AlarmThreshold', props);
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
    if (props.missingIsBad) warmUp(alarm);
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
    this.alarms.push(alarm);
    return alarm;
  }

  private watchService(
    name: 'auth' | 'signaling' | 'hooks' | 'captions',
    service: RealtimeService,
    minHealthy: number,
  ): void {
    const title = { auth: 'Auth', signaling: 'Signaling', hooks: 'Hooks', captions: 'Captions' }[name];
    this.addAlarm(
      `${title}Tasks`,
      `Fewer than ${minHealthy} ${name} tasks run.`,
      `${name}-tasks-missing`,
      tasksLacking(service, minHealthy),
      { threshold: minHealthy, below: true, missingIsBad: true },
    );
    this.addAlarm(
      `${title}Cpu`,
      `${title} tasks are above 80 % CPU although they scale.`,
      'overload',
      service.metricCpu({ period: Duration.minutes(1) }),
      { threshold: 80, periods: 10 },
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
    for (const alarm of THRESHOLDS) if ((alarm.service ?? 'signaling') === name) thresholdAlarm(this, alarm, service);
    this.group(title, [service.metricRunningTasks(), service.metricCpu(), service.metricMemory()]);
  }

  private watchSignaling(service: SignalingService, minHealthy: number): void {
    this.watchService('signaling', service, minHealthy);
    this.group('Signaling load', [
      service.metricConnections(),
      service.metric('tandem_signaling_rooms', { statistic: 'Sum' }),
    ]);
    for (const slo of SLOS) this.group(slo.name, [objectiveAlarms(this, slo, service)]);
  }

  private watchHooks(service: HooksService, minHealthy: number): void {
    this.watchService('hooks', service, minHealthy);
    this.group('Events', [
      service.metricEvents(),
      service.metricPartitions(),
      service.metricUnread(),
      service.metricStreams(),
    ]);
    this.group('Webhooks', [
      service.metricDelivered(),
      service.metricFailed(),
      service.metricDead(),
      service.metricDropped(),
      service.metricOverdue(),
    ]);
  }

  private watchCache(cache: SessionCache): void {
    const minute = { period: Duration.minutes(1) };
    const each = (
      id: string,
      description: string,
      runbook: string,
      metrics: cloudwatch.IMetric[],
      threshold: number,
    ) => {
      for (const [i, metric] of metrics.entries())
        this.addAlarm(i === 0 ? id : `${id}${i + 1}`, description, runbook, metric, { threshold, periods: 5 });
    };
    const [cpu, memory, lag] = [
      cache.metricEngineCpu(minute),
      cache.metricMemory(minute),
      cache.metricReplicationLag(minute),
    ];
    each('CacheCpu', 'A cache node is above 70 % of its engine core.', 'cache-overload', cpu, 70);
    each('CacheMemory', 'A cache node is above 75 % memory; at 100 % it refuses writes.', 'cache-overload', memory, 75);
    each('CacheLag', 'A cache replica is over 5 s behind.', 'cache-failover', lag, 5);
    // A graph takes 500 metrics and expressions (CloudWatch guide, "Using math expressions"), a template 1 MB: the alarms watch all.
    const graph = (title: string, all: cloudwatch.IMetric[]) =>
      this.group(all.length > 10 ? `${title} of the first 100 nodes` : title, all.slice(0, 10));
    graph('Session cache, engine CPU', cpu);
    graph('Session cache, memory', memory);
    if (lag.length > 0) graph('Session cache, replication lag', lag);
  }

  private watchTurn(turn: TurnFleet, minHealthy: number): void {
    nodeAlarms(this, turn, { title: 'Turn', node: 'TURN node', runbook: 'turn-nodes-missing', minHealthy });
    this.addAlarm('TurnLoad', 'A TURN node is above 85 % of its capacity.', 'turn-overload', turn.metricLoad(), {
      threshold: 0.85,
      periods: 5,
    });
    this.group('TURN', [turn.metricAllocations(), turn.metricLoad(), turn.metricServing(), turn.metricTraffic()]);
    this.monitoring.monitorAutoScalingGroup({
      autoScalingGroup: turn.autoScalingGroup,
      humanReadableName: 'TURN instances',
    });
  }

  private watchMedia(media: MediaFleet, minHealthy: number): void {
    nodeAlarms(this, media, { title: 'Media', node: 'media node', runbook: 'media-nodes-missing', minHealthy });
    this.addAlarm('MediaLoad', 'A media node is above 85 % of its capacity.', 'media-overload', media.metricLoad(), {
      threshold: 0.85,
      periods: 5,
    });
    this.addAlarm(
      'MediaEngines',
      'An engine of a media node ended by itself; another one took its rooms.',
      'media-engine-lost',
      media.metricEnginesLost({ period: Duration.minutes(5) }),
      { threshold: 0, periods: 1 },
    );
    this.group('Media', [media.metricLoad(), media.metricServing(), media.metricTraffic(), media.metricEnginesLost()]);
    this.group('Rooms of media nodes', [media.metricRooms(), media.metricLegs(), media.metricRoomsMoved()]);
    this.group('Streams', streamAlarms(this, media));
    this.monitoring.monitorAutoScalingGroup({
      autoScalingGroup: media.autoScalingGroup,
      humanReadableName: 'Media instances',
    });
  }

  private watchEdge(edge: Edge): void {
    const balancer = edge.loadBalancer.metrics;
    this.deploymentAlarms.push(
      this.addAlarm(
        'EdgeErrors',
        'The services or the load balancer answer with 5xx.',
        'edge-errors',
        edge.metricErrors({ period: Duration.minutes(1) }),
        { threshold: 10 },
      ),
    );
    this.addAlarm(
      'EdgeRejected',
      'The load balancer rejects connections: its own limit.',
      'overload',
      balancer.rejectedConnectionCount({ period: Duration.minutes(1) }),
      { threshold: 0 },
    );
    edge.targetGroups.forEach((group, index) => {
      this.deploymentAlarms.push(
        this.addAlarm(
          `Unhealthy${index}`,
          'Targets fail their health check.',
          'edge-errors',
          group.metrics.unhealthyHostCount({ period: Duration.minutes(1), statistic: 'Maximum' }),
          { threshold: 0, periods: 5 },
        ),
      );
    });
    if (edge.streamTargets) streamTargetAlarm(this, edge.streamTargets);
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
}
