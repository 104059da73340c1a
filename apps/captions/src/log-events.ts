/** Stable `event` names of the captions service's log lines. Alarms and searches hang on them: add, never rename. No line says what was said. */
export const CAPTIONS_EVENTS = {
  'captions.up': 'The service listens.',
  'captions.failed': 'A handshake failed by a fault of ours.',
  'recognizer.away': 'The recognizer of a language (`lang`) does not answer: who speaks it has no captions.',
  'recognizer.back': 'It answers again.',
} as const;
