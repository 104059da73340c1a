/** What is measured of calls, sessions, rooms and events, and what it means. */
import { ASSIGNMENTS, KEPT, OVERDUE, PICTURE_TIME, RESUMED, SETUP, SWITCHES, UNREAD } from './kpi-metrics.ts';
import type { Kpi } from './kpi-types.ts';

export const KPIS: readonly Kpi[] = [
  {
    id: 'call-setup-success',
    name: 'Call set-up success ratio',
    definition:
      'Legs that connected, of all that connected or failed. A leg is one browser’s call with one peer. Not counted: legs that a person gave up within 15 s, and rightful refusals (room full, no grant).',
    source:
      'ITU-T E.411 and E.425: the answer-seizure ratio in the form of the network effectiveness ratio (NER), where what users do and rightful refusals are no failure of the network',
    query: SETUP,
    by: ['room_size', 'region', 'client', 'topology'],
  },
  {
    id: 'call-setup-time',
    name: 'Call set-up time',
    definition:
      'From the intent to call (join, or the peer’s arrival) until ICE and DTLS are connected. p50, p95, p99.',
    source: 'ITU-T E.721 (post-selection delay), measured at the browser; W3C webrtc-pc connection state `connected`',
    query: { kind: 'quantiles', metric: 'tandem_call_setup_seconds', quantiles: [0.5, 0.95, 0.99], unit: 's' },
    by: ['room_size', 'region', 'client', 'topology'],
  },
  {
    id: 'call-failure-reasons',
    name: 'Failure reasons',
    definition:
      'Why legs did not come up, refusals included. The list of reasons is closed (FAILURE_REASONS in the protocol).',
    source: 'Own; the counterpart of SIP/ISUP cause statistics (ITU-T Q.850)',
    query: { kind: 'breakdown', metric: 'tandem_call_failures_total', by: 'reason' },
  },
  {
    id: 'call-kept',
    name: 'Call retention (1 − drop rate)',
    definition: 'Connected legs that ended because somebody hung up, of all connected legs that ended.',
    source: 'ITU-T E.800 (retainability); 3GPP TS 32.410 (retainability KPI)',
    query: KEPT,
    by: ['room_size', 'region', 'client', 'topology'],
  },
  {
    id: 'call-mos',
    name: 'MOS distribution',
    definition:
      'Estimated listening quality of received audio, from delay, jitter and loss. Median and the worst tenth and twentieth.',
    source:
      'ITU-T G.107 (E-model, R to MOS in Annex B) on the scale of ITU-T P.800; an estimate (MOS-CQE), not a listening test',
    query: { kind: 'quantiles', metric: 'tandem_call_mos', quantiles: [0.5, 0.1, 0.05], unit: 'MOS' },
    by: ['room_size', 'region', 'client', 'topology'],
  },
  {
    id: 'call-rating',
    name: 'What people say',
    definition:
      'Ratings of 1 (bad) to 5 (excellent) that people give after a call, by rating. Only some people answer.',
    source: 'ITU-T P.800 (absolute category rating scale); a field vote, not a controlled test',
    query: { kind: 'breakdown', metric: 'tandem_call_ratings_total', by: 'rating' },
  },
  {
    id: 'relay-share',
    name: 'Relay share',
    definition: 'Connected legs whose selected local candidate is a relay, of all connected legs that told their path.',
    source: 'RFC 8445 (candidate types); drives TURN cost',
    query: {
      kind: 'ratio',
      good: { metric: 'tandem_call_path_total', where: { path: 'relay' } },
      total: { metric: 'tandem_call_path_total' },
    },
  },
  {
    id: 'resume-success',
    name: 'Session resume success ratio',
    definition: 'Signaling sessions that continued after their socket was lost, of all resumes that clients tried.',
    source: 'Own; the session is the unit that a carrier would call the registration',
    query: RESUMED,
  },
  {
    id: 'switch-success',
    name: 'Switch success ratio',
    definition:
      'Media nodes that a room was given and a client connected to, of all that it connected to or gave up. A node that came up and was lost for good counts in both.',
    source: 'Own; a failed one costs no call: the people of that room stay in a mesh',
    query: {
      kind: 'ratio',
      good: { metric: SWITCHES, where: { outcome: 'ok' } },
      total: { metric: SWITCHES },
    },
  },
  {
    id: 'time-to-picture',
    name: 'Time to picture',
    definition: 'From the peer’s arrival until its first picture is decoded. p50, p95, p99.',
    source: 'Own; the picture’s counterpart of ITU-T E.721',
    query: { kind: 'quantiles', metric: 'tandem_call_picture_seconds', quantiles: [0.5, 0.95, 0.99], unit: 's' },
    by: ['topology'],
  },
  {
    id: 'moving-picture',
    name: 'Moving picture (1 − freezes)',
    definition: 'Time in which received pictures moved, of all time with pictures.',
    source: 'W3C webrtc-stats (totalFreezesDuration): a frame late by three times the mean interval, or by 150 ms more',
    query: {
      kind: 'ratio',
      good: { metric: PICTURE_TIME, where: { picture: 'moving' } },
      total: { metric: PICTURE_TIME },
    },
    by: ['topology'],
  },
  {
    id: 'keyframe-requests',
    name: 'Keyframe requests a second of picture',
    definition:
      'How often a receiver asks the sender of a picture for a keyframe, which is several times as large as other frames. Causes: loss that no retransmission repaired, and people who join.',
    source: 'RFC 4585 section 6.3.1 (PLI); W3C webrtc-stats (pliCount)',
    query: {
      kind: 'frequency',
      events: { metric: 'tandem_call_keyframe_requests_total' },
      seconds: { metric: PICTURE_TIME },
    },
    by: ['topology'],
  },
  {
    id: 'media-assignments',
    name: 'Rooms given to media nodes',
    definition:
      'By why: `first`; `lost`: the node before was heard of no more; `silent`: it did not come. Rooms of draining nodes are in media_rooms_moved of the nodes.',
    source: 'Own',
    query: { kind: 'breakdown', metric: ASSIGNMENTS, by: 'reason' },
  },
  {
    id: 'events',
    name: 'Events and webhooks',
    definition:
      'Events written a second; webhooks that receivers accepted, tries that failed (repeated for 75 h), and what was given up; events that were lost.',
    source: 'Own; the schedule of tries is that of Standard Webhooks',
    query: {
      kind: 'rates',
      metrics: ['events', 'delivered', 'failed', 'dead', 'dropped'].map((name) => `tandem_hooks_${name}_total`),
    },
  },
  {
    id: 'events-unread',
    name: 'Age of the oldest change that is no event yet',
    definition: 'Over all partitions. Changes are held for half a second on purpose; what is above is a backlog.',
    source: 'Own',
    query: { kind: 'largest', metric: UNREAD, unit: 's' },
  },
  {
    id: 'webhooks-overdue',
    name: 'Longest wait of a webhook that is due',
    definition:
      'Over all endpoints: for how long the try that waits most is due and not answered. What a failed try is put off for does not count.',
    source: 'Own',
    query: { kind: 'largest', metric: OVERDUE, unit: 's' },
  },
  {
    id: 'captions',
    name: 'Captions of speech',
    definition:
      'Captions a second that went to the pages of their speakers, microphones that were refused, and bytes of sound that went to no recognizer as it was slow.',
    source: 'Own',
    query: {
      kind: 'rates',
      metrics: ['texts', 'refused', 'dropped_bytes'].map((name) => `tandem_captions_${name}_total`),
    },
  },
];
