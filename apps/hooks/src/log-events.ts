/** Stable `event` names of the hooks service's log lines. Alarms and searches hang on them: add, never rename. */
export const HOOKS_EVENTS = {
  'hooks.up': 'The service listens.',
  'hooks.away': 'Redis cannot be reached: events wait in it.',
  'hooks.back': 'Redis answers again.',
  'partition.failed': 'Working on a partition failed by a fault of ours; it is tried again.',
  'outbox.unreadable': 'An entry of the outbox could not be read and was passed over.',
  'outbox.dropped': 'Entries fell out of a full outbox before they were read; receivers get `events.dropped`.',
  'delivery.dead': 'A webhook was given up after its last try; `endpointId`, `eventId` and `reason` say which.',
  'endpoint.disabled': 'An endpoint answered 410 and gets no more events until its backend enables it.',
} as const;
