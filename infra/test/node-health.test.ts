/** An instance whose node does not answer is given up, one at a time: the unit's script, run on a clock of its own with programs that note what they are asked. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { ACCOUNT, allows, REGION, rolePolicies } from './policy.ts';
import { PRODUCTION, synthesize } from './synth.ts';
import { userDataOf } from './user-data.ts';

type Any = ReturnType<typeof JSON.parse>;
const template: Any = synthesize(PRODUCTION, { checks: false, built: false }).template;
const resources: Record<string, Any> = template.Resources;
const groups = Object.keys(resources).filter((id) => resources[id].Type === 'AWS::AutoScaling::AutoScalingGroup');

interface Scene {
  /** Whether the node is healthy, a shell test on `$now` (minutes of the clock). */
  readonly healthy: string;
  /** Of other instances of the group that are given up now. */
  readonly othersUnhealthy?: string;
  /** Minutes before the start of the clock at which Auto Scaling replaced an instance. */
  readonly replacedBefore?: number;
  readonly awsFails?: boolean;
  readonly minutes: number;
}

/** Plays a scene. @returns the minute at which the instance was given up, and what Auto Scaling was asked */
async function play(group: string, scene: Scene): Promise<{ givenUpAt: number | undefined; asked: string[] }> {
  const bin = mkdtempSync(join(tmpdir(), 'watch-'));
  onTestFinished(() => rmSync(bin, { recursive: true }));
  const file = (name: string) => join(bin, name);
  const [, script = ''] =
    /cat > \/usr\/local\/sbin\/watch-node <<'END'\n(.*?)\nEND\n/s.exec(userDataOf(resources, group)) ?? [];
  expect(script).toContain('/proc/uptime');
  writeFileSync(
    file('watch-node'),
    script
      .replaceAll('/proc/uptime', file('clock'))
      .replaceAll('<AWS::Region>', REGION)
      // Fewer steps of the clock: each starts three programs.
      .replace('while sleep 30;', 'while sleep 120;'),
  );
  writeFileSync(file('clock'), '0.0 0\n');
  const start = 1_800_000_000;
  const program = (name: string, text: string) => {
    writeFileSync(
      file(name),
      `#!/bin/bash\nread -r up _ < ${file('clock')}; up=\${up%.*}; now=$((up / 60))\n${text}\n`,
    );
    chmodSync(file(name), 0o755);
  };
  program('sleep', `[ $now -lt ${scene.minutes} ] || exit 1\necho "$((up + $1)).0 0" > ${file('clock')}`);
  program('docker', `${scene.healthy} && echo 0123abcd; true`);
  program('curl', 'case "$*" in *token*PUT*|*PUT*) echo token;; *) echo i-0123;; esac');
  program('date', `[ "$*" = +%s ] && echo $((${start} + up)) || exec /usr/bin/date "$@"`);
  const activity =
    scene.replacedBefore === undefined ? '' : new Date((start - scene.replacedBefore * 60) * 1000).toISOString();
  program(
    'aws',
    `echo "$now $*" >> ${file('asked')}
${scene.awsFails ? 'exit 255' : ''}
case "$*" in
  *describe-auto-scaling-instances*) echo the-group;;
  *describe-auto-scaling-groups*) echo "${scene.othersUnhealthy ?? ''}";;
  *describe-scaling-activities*) echo "${activity}"; echo "NEXTTOKEN x";;
  *set-instance-health*) echo $now > ${file('given-up')};;
esac`,
  );
  await promisify(execFile)('bash', [file('watch-node')], { env: { PATH: `${bin}:/usr/bin:/bin` } }).catch(() => {});
  return {
    givenUpAt: existsSync(file('given-up')) ? Number(readFileSync(file('given-up'), 'utf8')) : undefined,
    asked: existsSync(file('asked')) ? readFileSync(file('asked'), 'utf8').trim().split('\n') : [],
  };
}

const [turn = ''] = groups.filter((id) => id.startsWith('TopologyTurn'));
/** Healthy from minute 2 to 5, never again. */
const LOST = '[ $now -ge 2 ] && [ $now -lt 5 ]';

test.each(groups)(
  '%s: an instance that lost its node is given up after 15 minutes, by the call that AWS documents',
  async (group) => {
    const { givenUpAt, asked } = await play(group, { healthy: LOST, minutes: 40 });
    expect(givenUpAt).toBeGreaterThanOrEqual(4 + 15);
    // At most five minutes later: instances that fail together ask one after the other.
    expect(givenUpAt).toBeLessThanOrEqual(5 + 15 + 5 + 2 * 2);
    // EC2 Auto Scaling API reference, "SetInstanceHealth"; without the flag it respects the group's grace period.
    expect(asked.at(-1)?.replace(/^\d+ /, '')).toBe(
      `--region ${REGION} --output text autoscaling set-instance-health --instance-id i-0123 --health-status Unhealthy`,
    );
    expect(asked.slice(0, -1).every((line) => line.includes('autoscaling describe-'))).toBe(true);
  },
);

test('one whose node never was healthy has an hour: the first deployment waits for the cache', async () => {
  const { givenUpAt } = await play(turn, { healthy: 'false', minutes: 75 });
  expect(givenUpAt).toBeGreaterThanOrEqual(60);
  expect(givenUpAt).toBeLessThanOrEqual(60 + 5 + 2 * 2);
});

test('no storm: it stays while another is given up, for an hour after one was, and when Auto Scaling does not answer', async () => {
  const [other, lately, unknown] = await Promise.all([
    play(turn, { healthy: LOST, othersUnhealthy: 'i-9999', minutes: 60 }),
    play(turn, { healthy: LOST, replacedBefore: -10, minutes: 90 }),
    play(turn, { healthy: LOST, awsFails: true, minutes: 60 }),
  ]);
  expect(other.givenUpAt).toBeUndefined();
  expect(other.asked.length).toBeGreaterThan(2);
  expect(lately.givenUpAt).toBeGreaterThanOrEqual(70);
  expect(lately.givenUpAt).toBeLessThanOrEqual(70 + 5 + 2 * 2);
  expect(unknown.givenUpAt).toBeUndefined();
});

test('a node that restarts every ten minutes, and one that is well, stay', async () => {
  for (const healthy of ['[ $((now % 10)) -lt 3 ]', 'true']) {
    const { givenUpAt, asked } = await play(turn, { healthy, minutes: 40 });
    expect(givenUpAt).toBeUndefined();
    expect(asked).toEqual([]);
  }
});

test('EC2’s checks stay: the load balancer’s would replace each instance that drains', () => {
  // EC2 Auto Scaling API reference, CreateAutoScalingGroup, "HealthCheckType": ELB adds the checks of target groups, and a node that drains for an
  // update of the service fails them on purpose, on an instance that stays.
  for (const id of groups) expect(resources[id].Properties.HealthCheckType ?? 'EC2').toBe('EC2');
});

test.each(groups)('%s: the instance may give up instances of its own group, and read; no other group', (group) => {
  const fleet = group.startsWith('TopologyTurn') ? 'TopologyTurn' : 'TopologyMedia';
  const [role = ''] = Object.keys(resources).filter(
    (id) => resources[id].Type === 'AWS::IAM::Role' && id.startsWith(`${fleet}InstanceRole`),
  );
  const may = (action: string, resource: string) =>
    allows(rolePolicies(template, role), { principal: role, action: `autoscaling:${action}`, resource });
  const arn = (name: string) =>
    `arn:aws:autoscaling:${REGION}:${ACCOUNT}:autoScalingGroup:0a1b:autoScalingGroupName/${name}`;
  expect(may('SetInstanceHealth', arn(group))).toBe(true);
  for (const other of groups.filter((id) => id !== group)) expect(may('SetInstanceHealth', arn(other))).toBe(false);
  expect(may('TerminateInstanceInAutoScalingGroup', arn(group))).toBe(false);
  for (const read of ['DescribeAutoScalingInstances', 'DescribeAutoScalingGroups', 'DescribeScalingActivities'])
    expect(may(read, '*')).toBe(true);
});

test('every instance starts from one version of the machine image: no deployment replaces nodes by the way', () => {
  const templates = Object.values(resources).filter(({ Type }) => Type === 'AWS::EC2::LaunchTemplate');
  expect(templates).toHaveLength(groups.length);
  for (const { Properties } of templates) {
    const { Default, Type }: Any = template.Parameters[Properties.LaunchTemplateData.ImageId.Ref];
    expect(Type).toBe('AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>');
    // `…/recommended/image_id` is another image after each release (ECS guide, "Retrieving Amazon ECS-optimized Linux AMI metadata").
    expect(Default).toMatch(/\/al2023-ami-ecs-hvm-\d{4}\.\d+\.\d{8}-kernel-[\d.]+-arm64\/image_id$/);
  }
});
