import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import Type from 'typebox';
import { expect, test } from 'vitest';
import { checkServiceProps } from './check-service-props.ts';

test('memory is what Fargate offers for the CPU size, and nothing between', () => {
  const vpc = new ec2.Vpc(new Stack(), 'Vpc');
  const cache = { url: 'rediss://cache.example.com:6379' } as never;
  const refused = (cpu: number, memoryLimitMiB: number) => {
    try {
      checkServiceProps('Service', { vpc, cache, cpu, memoryLimitMiB }, Type.Object({}));
      return false;
    } catch {
      return true;
    }
  };
  // Amazon ECS API reference, "TaskDefinition", `memory`: the table's corners.
  for (const [cpu, offered, not] of [
    [256, [512, 1024, 2048], [1536, 768, 4096]],
    [512, [1024, 4096], [512, 5120]],
    [1024, [2048, 8192], [1024, 9216]],
    [8192, [16_384, 61_440], [17_408, 65_536]],
    [16_384, [32_768, 122_880], [36_864]],
  ] as const) {
    for (const memory of offered) expect(refused(cpu, memory), `${cpu} ${memory}`).toBe(false);
    for (const memory of not) expect(refused(cpu, memory), `${cpu} ${memory}`).toBe(true);
  }
});
