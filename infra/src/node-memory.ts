import { Token } from 'aws-cdk-lib';
import { check } from './check.ts';
import type { NodeFleetProps, NodeFleetRules } from './node-fleet-props.ts';

const GIB_A_CPU = { c: 2, m: 4, r: 8 } as const;
const T4G_GIB: Readonly<Record<string, number>> = {
  ...{ nano: 0.5, micro: 1, small: 2, medium: 4 },
  ...{ large: 8, xlarge: 16, '2xlarge': 32 },
};

/** @returns memory of a Graviton type as its page says it, MiB; undefined for a family that is not known here */
export function instanceMiB(type: string): number | undefined {
  const [family = '', size = ''] = type.split('.');
  if (family === 't4g') return T4G_GIB[size] === undefined ? undefined : T4G_GIB[size] * 1024;
  const kind = /^([cmr])\d+g[a-z]*$/.exec(family)?.[1] as keyof typeof GIB_A_CPU | undefined;
  const times = /^(\d*)xlarge$/.exec(size)?.[1];
  const cpus = { medium: 1, large: 2 }[size] ?? (times === undefined ? undefined : 4 * Number(times || 1));
  return kind === undefined || cpus === undefined ? undefined : GIB_A_CPU[kind] * cpus * 1024;
}

/** What an instance keeps for itself, MiB: its kernel shows 5 % less than the type's page says; system, Docker and agent. */
const hostMiB = (instance: number): number => 300 + Math.ceil(instance / 20);

export interface NodeMemory {
  /** The container's limit where there is room, MiB. */
  readonly standard: number;
  /** What it must have, MiB. */
  readonly reserved: number;
  /** Limits of the containers beside it, MiB. */
  readonly beside?: number;
}

/**
 * Limit of a node's container, MiB. ECS places tasks by what they reserve (task definition parameters, `memoryReservation`), so limits that are
 * together more than the instance has are taken without a word, and then the kernel chooses what ends.
 * @throws Error naming the property and the fix
 */
export function nodeMemoryMiB(
  props: Pick<NodeFleetProps, 'instanceType' | 'memoryLimitMiB'>,
  { kind, instanceType }: Pick<NodeFleetRules, 'kind' | 'instanceType'>,
  { standard, reserved, beside = 0 }: NodeMemory,
): number {
  const type = props.instanceType?.toString() ?? instanceType;
  const instance = Token.isUnresolved(type) ? undefined : instanceMiB(type);
  const room = instance === undefined ? Number.POSITIVE_INFINITY : instance - hostMiB(instance) - beside;
  const what = `a ${type} has ${room} MiB for it${beside ? `, beside ${beside} for packagers` : ''}`;
  check(room >= reserved, kind, 'instanceType', `${what}, and a node needs ${reserved}`, 'a larger type');
  const given = props.memoryLimitMiB;
  if (given === undefined || Token.isUnresolved(given)) return given ?? Math.min(standard, room);
  check(given >= reserved, kind, 'memoryLimitMiB', `a node needs ${reserved}, not ${given}`, 'more, or leave it out');
  check(given <= room, kind, 'memoryLimitMiB', `${given} is too much: ${what}`, 'less, or a larger instanceType');
  return given;
}
