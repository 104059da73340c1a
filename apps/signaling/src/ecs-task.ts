/** Hears from ECS that its task is to go: SIGTERM comes too late for sockets behind a load balancer. */
import { setTimeout } from 'node:timers/promises';
import { AWS_LIMITS, type Logger } from '@tandem/service';

/** Most between two questions, ms. Not less: ECS answers 20 a second of an account and region, and a release has twice the tasks (infra/test/aws-rules.ts). */
const MOST_BETWEEN_MS = 30_000;
/** Least, ms: a delay that is shorter than clients take to move is too short for any question. */
const LEAST_BETWEEN_MS = 1000;
/** Longest wait for an answer, ms. */
export const ANSWER_MS = 5000;

/**
 * Between two questions, ms, half as long again at worst. So two of them are three quarters of the time that the load balancer keeps the sockets: one may stay without an answer, and clients still
 * have time to move (infra/test/leaving-task.test.ts).
 */
export const askEvery = (delaySeconds: number) =>
  Math.max(LEAST_BETWEEN_MS, Math.min(MOST_BETWEEN_MS, (delaySeconds * 1000) / 4));

/** Kinds of trouble that are logged; their names come from outside. */
const MOST_KINDS = 8;

export interface EcsTaskOptions {
  /** Where ECS tells a task about itself, as it sets in ECS_CONTAINER_METADATA_URI_V4. Unset: this is no task. */
  readonly metadataUri: string | undefined;
  /** How long the load balancer keeps the sockets of a task that is to go, s. */
  readonly delaySeconds: number;
  /** Between two questions. Default: as the delay allows. */
  readonly askMs?: number;
  readonly answerMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * A service's task that is to go is taken off its load balancer first, which keeps the open sockets for the deregistration delay and then breaks all of them at
 * once; only after that comes SIGTERM. Amazon ECS guide, "Task lifecycle" (DEACTIVATING) and "Optimize load balancer connection draining parameters for Amazon ECS".
 * What ECS wants of a task (`desiredStatus`) it tells before all of that, to those who ask. After a failure it is asked again: rights, for one, hold only
 * some time after they were given.
 * @returns when ECS wants the task stopped; outside of ECS, or after `signal`: never
 */
export async function untilTaskLeaves(log: Logger, options: EcsTaskOptions): Promise<void> {
  const { metadataUri, delaySeconds, askMs = askEvery(delaySeconds), answerMs = ANSWER_MS, signal } = options;
  const logged = new Set<string>();
  let task: OwnTask | undefined;
  while (metadataUri && !signal?.aborted) {
    try {
      // Tasks of a deployment start together: not all ask at the same moment.
      await setTimeout(askMs * (0.5 + Math.random()), undefined, { signal, ref: false });
      task ??= await describeOwnTask(metadataUri, answerMs);
      if ((await desiredStatus(task, answerMs)) === 'STOPPED') return;
    } catch (error) {
      const kind = error instanceof Error ? error.name : 'unknown';
      if (signal?.aborted || logged.has(kind) || logged.size === MOST_KINDS) continue;
      logged.add(kind);
      log.warn({ event: 'ecs.unknown', err: error }, 'ECS does not say whether this task is to go; it is asked again');
    }
  }
  return new Promise(() => undefined);
}

interface OwnTask {
  readonly cluster: string;
  readonly arn: string;
  readonly sdk: typeof import('@aws-sdk/client-ecs');
  readonly client: import('@aws-sdk/client-ecs').ECSClient;
}

async function describeOwnTask(metadataUri: string, answerMs: number): Promise<OwnTask> {
  const answer = await fetch(`${metadataUri}/task`, { signal: AbortSignal.timeout(answerMs) });
  const { Cluster: cluster, TaskARN: arn } = (await answer.json()) as { Cluster?: unknown; TaskARN?: unknown };
  if (typeof cluster !== 'string' || typeof arn !== 'string') throw new Error('the metadata name no task');
  const sdk = await import('@aws-sdk/client-ecs');
  // arn:aws:ecs:eu-west-1:…
  return { cluster, arn, sdk, client: new sdk.ECSClient({ ...AWS_LIMITS, region: arn.split(':')[3] ?? '' }) };
}

/** @throws Error where no answer says it */
async function desiredStatus({ cluster, arn, sdk, client }: OwnTask, answerMs: number): Promise<string | undefined> {
  const question = new sdk.DescribeTasksCommand({ cluster, tasks: [arn] });
  const { tasks, failures } = await client.send(question, { abortSignal: AbortSignal.timeout(answerMs) });
  if (!tasks?.[0]) throw new Error(`ECS does not know this task: ${failures?.[0]?.reason}`);
  return tasks[0].desiredStatus;
}
