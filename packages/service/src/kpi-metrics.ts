/** Metrics that KPIs, promises and alarms ask together. */
import type { RatioQuery } from './kpi-types.ts';

export const UNREAD = 'tandem_hooks_unread_seconds';
export const OVERDUE = 'tandem_hooks_overdue_seconds';
export const LEGS = 'tandem_call_legs_total';
/** An abandoned attempt says nothing about the network, so it is in neither side. */
export const SETUP: RatioQuery = {
  kind: 'ratio',
  good: { metric: LEGS, where: { outcome: 'connected' } },
  total: { metric: LEGS, where: { outcome: ['connected', 'failed'] } },
};
export const SETUP_FAST: RatioQuery = {
  kind: 'ratio',
  good: { metric: 'tandem_call_setup_seconds', le: '3' },
  total: { metric: 'tandem_call_setup_seconds' },
};
export const KEPT: RatioQuery = {
  kind: 'ratio',
  good: { metric: 'tandem_call_ended_total', where: { dropped: 'false' } },
  total: { metric: 'tandem_call_ended_total' },
};
export const RESUMED: RatioQuery = {
  kind: 'ratio',
  good: { metric: 'tandem_session_resumes_total', where: { outcome: 'ok' } },
  total: { metric: 'tandem_session_resumes_total' },
};

export const SWITCHES = 'tandem_call_switches_total';
export const PICTURE_TIME = 'tandem_call_picture_time_seconds_total';
export const ASSIGNMENTS = 'tandem_media_assignments_total';
