/** Stable `event` names of log lines that every service may write. Alarms and searches hang on them: add, never rename. */
export const SERVICE_EVENTS = {
  'shutdown.begin': 'A signal asked the process to end; it drains.',
  'shutdown.deadline': 'The drain took too long; the process ends at once.',
  'shutdown.end': 'The drain is done.',
  'shutdown.failed': 'The drain failed by a fault of ours; the process ends at once.',
  'background.failed':
    'Work in the background failed by a fault of ours, and no caller waited for it; the process goes on. `err` says where.',
  'breaker.open': 'A dependency failed several times in a row and is not asked for a while.',
  'breaker.half-open': 'One call is let through to see whether the dependency is back.',
  'breaker.closed': 'The dependency is back.',
} as const;
