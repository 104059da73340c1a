/** What the containers of a task have to do with each other: their images, who waits for whom, how they share a processor. */
import { expect, test } from 'vitest';
import { cpuShares } from './aws-rules.ts';
import { resourcesOf, waitsFor } from './resources.ts';
import { PRODUCTION, type Synthesized, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
interface Container {
  readonly Name: string;
  readonly Image: unknown;
  readonly Essential: boolean;
  readonly Cpu?: number;
  readonly RestartPolicy?: { readonly Enabled: boolean; readonly RestartAttemptPeriod?: number };
  readonly DependsOn?: readonly { readonly ContainerName: string }[];
}

const DEVELOPMENT = {
  ...{ profile: 'development', mediaNodes: '2', packagers: '1', recordings: 'true', events: 'false' },
  recognizerImage: PRODUCTION.recognizerImage,
};
const profiles: readonly (readonly [string, Synthesized])[] = [
  ['production', synthesize(PRODUCTION, { checks: false })],
  ['development', synthesize(DEVELOPMENT, { checks: false })],
];

/** Text of an image; what is known only when deployed has its name in `${}`. */
function reference(image: Any): string {
  if (typeof image === 'string') return image;
  if (image['Fn::Sub']) return reference(image['Fn::Sub']);
  if (image['Fn::Join']) return image['Fn::Join'][1].map(reference).join(image['Fn::Join'][0]);
  return `\${${image.Ref ?? JSON.stringify(image)}}`;
}

const containers = profiles.flatMap(([profile, whole]) =>
  resourcesOf(whole)
    .all('AWS::ECS::TaskDefinition')
    .flatMap(({ id, properties }) =>
      (properties.ContainerDefinitions as Container[]).map((one) => ({ task: `${profile}: ${id}`, ...one })),
    ),
);

/**
 * ECS guide, "CannotPullContainer task errors in Amazon ECS": "the task failed to start because Amazon ECS can't retrieve the specified container
 * image", whichever of its containers it is; whether it is essential counts once it runs. So a registry of others that is away, or that has reached its
 * limit for the NAT's address, would keep every new task of that service from starting: in a scale-out, a deployment, a lost zone.
 */
test('no registry but ECR is asked when a task starts, and an image that CDK did not build is named by digest', () => {
  expect(containers.length).toBeGreaterThan(20);
  const registry = /^(\$\{AWS::AccountId\}|\d{12})\.dkr\.ecr\.[^./]+\.(\$\{AWS::URLSuffix\}|amazonaws\.com)\//;
  for (const { task, Name, Image } of containers) {
    const name = reference(Image);
    expect(name, `${task}, ${Name}`).toMatch(registry);
    // Tags of the CDK's own repository are hashes of what they hold, and immutable (bootstrap template, ContainerAssetsRepository).
    expect(name, `${task}, ${Name}`).toMatch(
      /\/cdk-hnb659fds-container-assets-[^/]+:[0-9a-f]{64}$|@sha256:[0-9a-f]{64}$/,
    );
  }
});

/**
 * A container whose dependency never started is stopped itself: amazon-ecs-agent, agent/engine/dependencygraph/graph.go ("because dependency will
 * never start", a terminal error). On an instance the agent goes on without a container that it cannot pull, unless another one depends on it.
 */
test('no container waits for one that may fail alone', () => {
  const optional = containers.filter(({ Essential }) => !Essential);
  expect(optional.map(({ Name }) => Name)).toEqual(expect.arrayContaining(['collector', 'packager']));
  for (const { task, Name } of optional)
    expect(
      containers
        .filter((one) => one.task === task && one.DependsOn?.some(({ ContainerName }) => ContainerName === Name))
        .map((one) => one.Name),
      `${task}, ${Name}`,
    ).toEqual([]);
});

/** ECS guide, "Restart individual containers in Amazon ECS tasks with container restart policies": without one, it stays stopped as long as its task runs. */
test('a container that may fail alone is started again', () => {
  for (const { task, Name, RestartPolicy } of containers.filter(({ Essential }) => !Essential))
    expect(RestartPolicy, `${task}, ${Name}`).toEqual({ Enabled: true, RestartAttemptPeriod: 60 });
});

test('where all containers of a task want the processor, those that may fail alone get the least of it', () => {
  const tasks = Map.groupBy(containers, ({ task }) => task);
  for (const [task, all] of tasks) {
    const shares = cpuShares(all);
    for (const { Name, Essential } of all) {
      if (!Essential) expect(shares.get(Name), `${task}, ${Name}`).toBeLessThanOrEqual(0.125);
      // A health check is answered within its 5 s.
      else expect(shares.get(Name), `${task}, ${Name}`).toBeGreaterThanOrEqual(0.03);
    }
  }
  // The rule itself: none is 2, against the 32 of a collector.
  expect(cpuShares([{ Name: 'app' }, { Name: 'collector', Cpu: 32 }]).get('app')).toBeCloseTo(2 / 34, 9);
});

/**
 * CloudFormation guide, "DependsOn attribute": what does not refer to each other is made side by side; a policy of a role is a resource of its own. A task that starts before
 * it cannot pull images (execution role) or read what it needs (task role): aws-cdk #24880, #18675.
 */
test('whatever starts tasks waits for all policies of the roles of those tasks', () => {
  let seen = 0;
  for (const [profile, whole] of profiles) {
    const { Resources } = whole.template as Any;
    const named = (value: unknown, name: string) => JSON.stringify(value).includes(`"${name}"`);
    const tasks = resourcesOf(whole).all('AWS::ECS::TaskDefinition');
    for (const [id, one] of Object.entries<Any>(Resources)) {
      if (!['AWS::ECS::Service', 'AWS::Events::Rule'].includes(one.Type)) continue;
      const waited = waitsFor(Resources, id);
      for (const { id: task, properties } of tasks.filter(({ id: name }) => named(one, name))) {
        const roles = [properties.TaskRoleArn, properties.ExecutionRoleArn].map((role) => role['Fn::GetAtt'][0]);
        for (const [policy, { Type, Properties }] of Object.entries<Any>(Resources))
          if (Type === 'AWS::IAM::Policy' && roles.some((role) => named(Properties.Roles, role))) {
            seen++;
            expect(waited, `${profile}: ${id} starts ${task}`).toContain(policy);
          }
      }
    }
  }
  expect(seen).toBeGreaterThan(15);
});

test('no ARN of the template names a partition but those that were given: images of China or GovCloud may be pulled too', () => {
  for (const [profile, { text }] of profiles) {
    const named = [...text.matchAll(/arn:aws[\w-]*:[^"]*/g)].map(([arn]) => arn);
    expect(
      named.filter((arn) => !arn.startsWith('arn:aws:acm:')),
      profile,
    ).toEqual([]);
  }
  const [, production] = profiles[0] ?? [];
  expect(production?.text).toContain(':ecr:eu-west-1:111122223333:repository/kaldi-en');
});
