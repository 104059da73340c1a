/** Hears from ECS that its task is to go: SIGTERM comes too late for sockets behind a load balancer. */
import { setTimeout } from 'node:timers/promises';
import type { Logger } from '@tandem/service';

/** Between two questions, ms; with what clients take to move it is well within the two minutes that the load balancer waits. */
export const ASK_MS = 10_000;

export interface EcsTaskOptions {
  /** Where ECS tells a task about itself, as it sets in ECS_CONTAINER_METADATA_URI_V4. Unset: this is no task. */
  readonly metadataUri: string | undefined;
  readonly askMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * A service's task that is to go is taken off its load balancer first, which keeps the open sockets for the deregistration delay and then breaks all of them at
 * once; only after that comes SIGTERM. Amazon ECS guide, "Task lifecycle" (DEACTIVATING) and "Optimize load balancer connection draining parameters for Amazon ECS".
 * What ECS wants of a task (`desiredStatus`) it tells before all of that, to those who ask.
 * @returns when ECS wants the task stopped; outside of ECS, where it may not be asked, or after `signal`: never
 */
export async function untilTaskLeaves(log: Logger, options: EcsTaskOptions): Promise<void> {
  const { metadataUri, askMs = ASK_MS, signal } = options;
  try {
    const task = metadataUri && (await describeOwnTask(metadataUri));
    while (task && !signal?.aborted) {
      // Tasks of a deployment start together: not all ask at the same moment.
      await setTimeout(askMs * (0.5 + Math.random()), undefined, { signal, ref: false });
      if ((await desiredStatus(task)) === 'STOPPED') return;
    }
  } catch (error) {
    if (!signal?.aborted) log.warn({ event: 'ecs.unknown', err: error }, 'ECS does not say when this task is to go');
  }
  return new Promise(() => undefined);
}

interface OwnTask {
  readonly cluster: string;
  readonly arn: string;
  readonly sdk: typeof import('@aws-sdk/client-ecs');
  readonly client: import('@aws-sdk/client-ecs').ECSClient;
}

async function describeOwnTask(metadataUri: string): Promise<OwnTask> {
  const answer = await fetch(`${metadataUri}/task`, { signal: AbortSignal.timeout(5000) });
  const { Cluster: cluster, TaskARN: arn } = (await answer.json()) as { Cluster?: unknown; TaskARN?: unknown };
  if (typeof cluster !== 'string' || typeof arn !== 'string') throw new Error('the metadata name no task');
  const sdk = await import('@aws-sdk/client-ecs');
  // arn:aws:ecs:eu-west-1:…
  return { cluster, arn, sdk, client: new sdk.ECSClient({ region: arn.split(':')[3] ?? '' }) };
}

/** @throws Error when it may not be asked; undefined: no answer this time */
async function desiredStatus({ cluster, arn, sdk, client }: OwnTask): Promise<string | undefined> {
  try {
    const found = await client.send(new sdk.DescribeTasksCommand({ cluster, tasks: [arn] }));
    return found.tasks?.[0]?.desiredStatus;
  } catch (error) {
    if (error instanceof sdk.AccessDeniedException) throw error;
    return undefined;
  }
}
