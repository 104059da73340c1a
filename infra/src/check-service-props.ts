import { Duration, Token } from 'aws-cdk-lib';
import type { TObject } from 'typebox';
import { check, checkInteger, checkSeconds } from './check.ts';
import { checkCacheUrl } from './check-cache-url.ts';
import { checkSettings } from './check-settings.ts';
import type { RealtimeServiceProps, TaskServiceProps } from './realtime-service-props.ts';
import { checkSchedules } from './scheduled-size.ts';

/** @returns first, first + step, … last */
function range(first: number, last: number, step: number): readonly number[] {
  return Array.from({ length: (last - first) / step + 1 }, (_, i) => first + i * step);
}

/** Memory that Fargate offers for each CPU size, MiB. Amazon ECS API reference, "TaskDefinition", `memory`. */
const FARGATE: Record<number, readonly number[]> = {
  256: [512, 1024, 2048],
  512: range(1024, 4096, 1024),
  1024: range(2048, 8192, 1024),
  2048: range(4096, 16_384, 1024),
  4096: range(8192, 30_720, 1024),
  8192: range(16_384, 61_440, 4096),
  16384: range(32_768, 122_880, 8192),
};

/** @throws Error naming the property and the fix */
export function checkServiceProps(kind: string, props: TaskServiceProps | RealtimeServiceProps, config: TObject): void {
  const { cache } = props as Partial<RealtimeServiceProps>;
  if (cache) checkCacheUrl(kind, 'cache', cache.url);
  checkSettings(kind, config, props);
  checkTaskSize(kind, props);
  check(
    props.vpcSubnets !== undefined || props.vpc.privateSubnets.length > 0,
    kind,
    'vpcSubnets',
    'the VPC has no private subnets with egress',
    'name others; public ones with assignPublicIp: true',
  );
  check(
    !props.traces || (props.metrics ?? true),
    kind,
    'traces',
    'the sidecar sends the traces, and it is off',
    'metrics: true',
  );
  checkTaskCounts(kind, props);
  checkStop(kind, props);
  checkInteger(kind, 'targetCpuPercent', props.targetCpuPercent, 10, 90);
  for (const name of Object.keys(props.environment ?? {}))
    check(
      /^[A-Z][A-Z0-9_]*$/.test(name) && !/(SECRET|PASSWORD|API_KEYS|WEBHOOK_KEY)/.test(name),
      kind,
      'environment',
      `${name} is not fit for a plain variable`,
      'upper case with underscores; secrets go to `secrets`',
    );
}

function checkTaskSize(kind: string, props: TaskServiceProps): void {
  const cpu = props.cpu ?? 1024;
  const memory = props.memoryLimitMiB ?? 2048;
  if (!Token.isUnresolved(cpu)) {
    const offered = FARGATE[cpu];
    check(offered !== undefined, kind, 'cpu', `Fargate has no ${cpu}`, `one of ${Object.keys(FARGATE).join(', ')}`);
    if (offered && !Token.isUnresolved(memory))
      check(
        offered.includes(memory),
        kind,
        'memoryLimitMiB',
        `${memory} MiB does not go with ${cpu} CPU units on Fargate`,
        `one of ${offered.join(', ')}`,
      );
  }
}

function checkTaskCounts(kind: string, props: TaskServiceProps): void {
  checkInteger(kind, 'minTasks', props.minTasks, 1, 5000);
  checkInteger(kind, 'maxTasks', props.maxTasks, 1, 5000);
  if (props.maxTasks !== undefined && !Token.isUnresolved(props.maxTasks))
    check(
      props.maxTasks >= (props.minTasks ?? 3),
      kind,
      'maxTasks',
      `${props.maxTasks} is below minTasks (${props.minTasks ?? 3})`,
      'at least minTasks',
    );
  const max = props.maxTasks ?? Math.max(30, props.minTasks ?? 3);
  checkSchedules({ kind, schedules: props.schedules, max, limit: 5000 });
}

function checkStop(kind: string, props: TaskServiceProps): void {
  checkSeconds(kind, 'stopTimeout', props.stopTimeout, 2, 120, "Fargate's limit");
  const stop = props.stopTimeout ?? Duration.seconds(120);
  if (!stop.isUnresolved())
    checkSeconds(
      kind,
      'deregistrationDelay',
      props.deregistrationDelay,
      0,
      stop.toSeconds({ integral: false }),
      'a task is gone after its stopTimeout',
    );
}
