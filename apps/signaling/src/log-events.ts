/** Stable `event` names of the signaling service's log lines. Alarms and searches hang on them: add, never rename. */
export const SIGNALING_EVENTS = {
  'signaling.up': 'The node listens.',
  'ecs.unknown':
    'ECS does not say whether this task is to go; logged once for each kind of trouble, and asked again. Without an answer sockets are broken by the load balancer, not moved.',
  'upgrade.denied': 'A connection was refused before the upgrade; `status` and `reason` say why.',
  'upgrade.failed': 'Accepting a connection failed by a fault of ours.',
  'connection.failed': 'Handling a message failed by a fault of ours; the socket was closed with 1011.',
  'work.failed': 'Something in the background failed by a fault of ours.',
  'timer.failed': 'A periodic task failed by a fault of ours; it runs again.',
  'backplane.away': 'The room store cannot be reached.',
  'backplane.fault':
    'The room store finds a command faulty (`err` begins with its code): an ACL that lags behind a deploy, a key of another kind. The caller heard `unavailable`.',
  'backplane.back': 'The room store answers again.',
  'backplane.doubt': 'Messages between nodes may have been lost: every room is read again.',
  'media.assigned': 'A large room was given to a media node; `node` and `epoch` say which.',
  'media.unassigned': 'The media directory cannot be read: large rooms stay as they are.',
  'recordings.untold': 'Recordings or Redis cannot be read: events of recordings that are ready come later.',
  'batch.unreadable': 'A batch of another node could not be read.',
  'batch.entry': 'One entry of a batch could not be carried out.',
  'message.relay': 'A message of a sampled call came in at this node (`trace_id`).',
  'message.deliver': 'A message of a sampled call arrived from another node (`trace_id`).',
} as const;
