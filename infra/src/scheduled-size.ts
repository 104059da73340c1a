/** Sizes by the clock, for services (Application Auto Scaling) and for groups of instances (EC2 Auto Scaling), which write times in two ways. */
import { TimeZone, Token } from 'aws-cdk-lib';
import * as applicationautoscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import { check, checkInteger } from './check.ts';

/** A size from a time of day on, until the next entry of the list says another. Load still scales between `min` and `max`. */
export interface ScheduledSize {
  /** Time of day, `HH:MM`, such as `07:30`. */
  readonly time: string;
  /**
   * Days of the week: MON, TUE, WED, THU, FRI, SAT, SUN.
   * @default - each day
   */
  readonly days?: string[];
  /**
   * Name of the time zone, such as `Europe/Berlin`; its daylight saving time is followed.
   * @default - UTC
   */
  readonly timeZone?: string;
  /** Fewest from then on. */
  readonly min: number;
  /**
   * Most from then on.
   * @default - the most at any other time
   */
  readonly max?: number;
}

/** Where the list is given, and what it may hold. */
export interface ScheduledSizeRules {
  /** Name of the construct. */
  readonly kind: string;
  readonly schedules: readonly ScheduledSize[] | undefined;
  /** Most at all other times. */
  readonly max: number;
  /** Largest number that `max` takes. */
  readonly limit: number;
}

const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const key = ({ time, days }: ScheduledSize) => `At${time.replace(':', '')}${days?.join('') ?? ''}`;

/** @throws Error naming the entry, its property and the fix */
export function checkSchedules({ kind, schedules = [], max, limit }: ScheduledSizeRules): void {
  for (const [i, one] of schedules.entries()) {
    const name = `${kind}.schedules[${i}]`;
    check(/^([01]\d|2[0-3]):[0-5]\d$/.test(one.time), name, 'time', `"${one.time}" is no time of day`, 'such as 07:30');
    const wrong = one.days?.find((day) => !DAYS.includes(day));
    check(
      wrong === undefined && one.days?.length !== 0 && new Set(one.days).size === (one.days?.length ?? 0),
      name,
      'days',
      wrong === undefined ? 'it is empty, or names a day twice' : `"${wrong}" is no day`,
      `some of ${DAYS.join(', ')}, or leave it out`,
    );
    check(
      one.timeZone === undefined || isTimeZone(one.timeZone),
      name,
      'timeZone',
      `"${one.timeZone}" is no time zone`,
      'a name of the IANA database, such as Europe/Berlin',
    );
    for (const prop of ['min', 'max'] as const) {
      check(
        !Token.isUnresolved(one[prop]),
        name,
        prop,
        'it is known only when deployed, and how an update goes depends on it',
        'a plain number',
      );
      checkInteger(name, prop, one[prop], 1, limit);
    }
    // EC2 Auto Scaling API, PutScheduledUpdateGroupAction: an action whose minimum is above the maximum fails when its time comes, unseen.
    check(
      Token.isUnresolved(max) || one.min <= (one.max ?? max),
      name,
      one.max === undefined ? 'min' : 'max',
      `min (${one.min}) is above the most (${one.max ?? max})`,
      one.max === undefined ? 'give max too' : 'at least min',
    );
    check(
      schedules.findIndex((other) => key(other) === key(one)) === i,
      name,
      'time',
      'another entry has the same time and days',
      'one entry a time',
    );
  }
}

/** Node knows the names of the IANA database; it also takes offsets, which AWS does not. */
function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return /^[A-Z]/i.test(name);
  } catch {
    return false;
  }
}

/** Sizes by the clock, and the one at all other times. */
export interface AllSizes {
  readonly schedules: readonly ScheduledSize[];
  readonly min: number;
  readonly max: number;
}

/** The smallest size that a group may have at any time, and the smallest of its maxima: updates must move on at each. */
export function smallestSize({ schedules, min, max }: AllSizes): { readonly min: number; readonly max: number } {
  return {
    min: Math.min(min, ...schedules.map((one) => one.min)),
    max: Math.min(max, ...schedules.map((one) => one.max ?? max)),
  };
}

/** Both limits each time: an action without one would keep that of the action before. @param max at all other times */
export function scheduleTasks(scaling: ecs.ScalableTaskCount, schedules: readonly ScheduledSize[], max: number): void {
  for (const one of schedules) {
    const [hour = '', minute = ''] = one.time.split(':').map((part) => String(Number(part)));
    scaling.scaleOnSchedule(key(one), {
      // Application Auto Scaling guide, "Schedule recurring scaling actions using cron expressions": six fields, `?` in one of the two for days.
      schedule: applicationautoscaling.Schedule.expression(
        `cron(${minute} ${hour} ${one.days ? `? * ${one.days.join(',')}` : '* * ?'} *)`,
      ),
      ...(one.timeZone ? { timeZone: TimeZone.of(one.timeZone) } : {}),
      minCapacity: one.min,
      maxCapacity: one.max ?? max,
    });
  }
}

/** As {@link scheduleTasks}, for a group of instances. */
export function scheduleInstances(
  group: autoscaling.AutoScalingGroup,
  schedules: readonly ScheduledSize[],
  max: number,
): void {
  for (const one of schedules) {
    const [hour = '', minute = ''] = one.time.split(':').map((part) => String(Number(part)));
    // EC2 Auto Scaling guide, "Recurring schedules": five fields of cron, days of the week from 0 (Sunday).
    const days = one.days?.map((day) => DAYS.indexOf(day)).join(',') ?? '*';
    group.scaleOnSchedule(key(one), {
      schedule: autoscaling.Schedule.expression(`${minute} ${hour} * * ${days}`),
      timeZone: one.timeZone,
      minCapacity: one.min,
      maxCapacity: one.max ?? max,
    });
  }
}
