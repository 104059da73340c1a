/** What captions by a service cost: tasks with a recognizer in them, and the sound on its way there. */
import { topology } from '../topology/index.ts';
import { assumption as a, LIST } from './assumption.ts';
import { fargateTask, PRICES } from './costs.ts';

export const CAPTIONS = {
  microphonesPerTask: a(
    10,
    'microphones',
    'estimate, not measured: five a processor; `maxSpeakers` of CaptionsService. A microphone that is muted sends nothing',
  ),
  captionsTask: a(fargateTask(2, 16, 'x86-64'), '$/h', `2 vCPU and 16 GB on x86-64; ${LIST}`),
  soundGigabytes: a(
    (16_000 * 2 * 3600) / 1e9,
    'GB an hour and microphone',
    '16 kHz, 16 bits a sample, one channel (docs/captions.md)',
  ),
} as const;

export interface Captions {
  readonly tasks: number;
  /** $ a month. */
  readonly tasksCost: number;
  /** $ a month: CloudFront to the load balancer, and the load balancer. */
  readonly sound: number;
}

/** @param microphones that speak into it at the same time @param hours of the month */
export function captions(microphones: number, hours: number): Captions {
  const tasks = Math.max(
    topology.captions.replicas.production,
    Math.ceil(microphones / CAPTIONS.microphonesPerTask.value),
  );
  const gigabytes = microphones * hours * CAPTIONS.soundGigabytes.value;
  return {
    tasks,
    tasksCost: tasks * (hours * CAPTIONS.captionsTask.value + PRICES.logsPerTask.value),
    // One LCU is a gigabyte an hour.
    sound: gigabytes * (PRICES.cloudFrontToOrigin.value + PRICES.lcu.value),
  };
}

/** The section of docs/capacity.md. */
export function captionsSection(hours: number, sizes: readonly number[] = [10, 100, 1000]): string {
  const all = sizes.map((microphones) => captions(microphones, hours));
  const row = (name: string, of: (one: Captions) => string) => `| ${name} | ${all.map(of).join(' | ')} |`;
  const dollars = (value: number) => `$${Math.round(value).toLocaleString('en-US')}`;
  return [
    'With `captions` and a recognizer in each task ([captions](captions.md)); the bill above has none of this. Only those microphones count that are on, of people who want captions',
    'and whose browser recognizes nothing itself.',
    '',
    `| microphones at once | ${sizes.map((n) => n.toLocaleString('en-US')).join(' | ')} |`,
    `| --- | ${sizes.map(() => '---:').join(' | ')} |`,
    row('captions tasks', (one) => String(one.tasks)),
    row('tasks a month', (one) => dollars(one.tasksCost)),
    row('sound a month', (one) => dollars(one.sound)),
    '',
    'Nearly half of a task is the memory of its model. Recognizers elsewhere (`recognizers`) cost what theirs do, beside tasks of 0.25 vCPU and 0.5 GB.',
  ].join('\n');
}
