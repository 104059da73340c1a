/** An instance is replaced only after the one before answers: CloudFormation's rules, and the unit's script run with programs that note what they are asked. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { PRODUCTION, synthesize } from './synth.ts';
import { userDataOf } from './user-data.ts';

type Any = ReturnType<typeof JSON.parse>;
const resources: Record<string, Any> = (synthesize(PRODUCTION, { checks: false, built: false }).template as Any)
  .Resources;
const idsOf = (type: string) => Object.keys(resources).filter((id) => resources[id].Type === type);

const groups = idsOf('AWS::AutoScaling::AutoScalingGroup');
const nameOf = (group: string) => (group.startsWith('TopologyTurn') ? 'turn' : 'media');

test.each(groups)('%s: an update waits for a signal of each new instance, and a new group waits for none', (group) => {
  const { UpdatePolicy, CreationPolicy } = resources[group];
  const { WaitOnResourceSignals, PauseTime, MinSuccessfulInstancesPercent } = UpdatePolicy.AutoScalingRollingUpdate;
  expect(WaitOnResourceSignals).toBe(true);
  // CloudFormation reference, UpdatePolicy, "PauseTime": with signals it is the longest wait, at most an hour, ISO 8601.
  const [, minutes] = /^PT(\d+)M$/.exec(PauseTime) ?? [];
  expect(Number(minutes)).toBeGreaterThanOrEqual(10);
  expect(Number(minutes)).toBeLessThanOrEqual(60);
  // "MinSuccessfulInstancesPercent", default 100: one that does not signal fails the update.
  expect(MinSuccessfulInstancesPercent ?? 100).toBe(100);
  // A creation policy would wait for nodes that the service starts, and the service waits for the group.
  expect(CreationPolicy?.ResourceSignal).toBeUndefined();
  const services = idsOf('AWS::ECS::Service').filter((id) => resources[id].DependsOn?.includes(group));
  expect(services).toHaveLength(1);
});

test.each(groups)(
  '%s: the signal is of this group, and is sent when the node’s container is healthy, not before',
  async (group) => {
    const userData = userDataOf(resources, group);
    const [, script = ''] = /cat > \/usr\/local\/sbin\/signal-node <<'END'\n(.*?)\nEND\n/s.exec(userData) ?? [];
    const bin = mkdtempSync(join(tmpdir(), 'signal-'));
    onTestFinished(() => rmSync(bin, { recursive: true }));
    const program = (name: string, text: string) => {
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(bin, name), 0o755);
    };
    const log = join(bin, 'log');
    // Healthy when asked for the third time; before, the daemon is not there, and then no container fits.
    program(
      'docker',
      `echo "docker $*" >> ${log}\n[ $(grep -c '^docker' ${log}) -gt 1 ] || exit 1\n[ $(grep -c '^docker' ${log}) -lt 3 ] || echo 0123abcd`,
    );
    program('cfn-signal', `echo "cfn-signal $*" >> ${log}`);
    program('sleep', ':');
    // Names that CloudFormation fills in, in the way of this test.
    const filled = script.replace(/<AWS::StackName>/g, 'Tandem').replace(/<AWS::Region>/g, 'eu-west-1');
    writeFileSync(join(bin, 'signal-node'), filled);
    await promisify(execFile)('sh', [join(bin, 'signal-node')], { env: { PATH: `${bin}:/usr/bin:/bin` } });
    const said = readFileSync(log, 'utf8').trim().split('\n');
    expect(said.map((line) => line.split(' ')[0])).toEqual(['docker', 'docker', 'docker', 'cfn-signal']);
    // CloudFormation guide, "cfn-signal", syntax for resource signaling: stack, logical id, region, and success.
    expect(said.at(-1)).toBe(`cfn-signal --success true --stack Tandem --resource ${group} --region eu-west-1`);
    // Docker CLI reference, "docker ps", filters health and label; the label is the ECS agent's own. The name is that of the task's container.
    expect(said[0]).toMatch(/--filter health=healthy --filter label=com\.amazonaws\.ecs\.container-name=/);
    const name = said[0]?.split('container-name=')[1];
    const task = Object.values(resources).find(
      (one) => one.Type === 'AWS::ECS::TaskDefinition' && one.Properties.ContainerDefinitions[0].Name === name,
    );
    expect(name).toBe(nameOf(group));
    expect(task.Properties.ContainerDefinitions[0].HealthCheck.Command).toContain('/app/health.mjs');
    // The ECS agent starts after the script of the first boot (its unit is ordered after cloud-final), which therefore must not wait.
    const started = userData.split('\n').filter((line) => /^systemctl .*signal-node/.test(line));
    expect(started).toEqual(['systemctl start --no-block signal-node.service']);
    // CloudFormation guide, "CloudFormation helper scripts reference": they are not on images such as those for ECS.
    expect(userData).toContain('dnf install -y aws-cfn-bootstrap');
  },
);
