/** What the outside sees of the service: metrics. Numbers alone. */
import type { Metrics } from '@tandem/service';
import type { SpeakerCounters } from './speaker.ts';

export interface Observed {
  readonly counters: SpeakerCounters;
  readonly speakers: () => number;
  /** Languages whose recognizer did not answer when it was last asked. */
  readonly away: () => number;
}

/** @returns what counts a handshake that was refused */
export function exposeCaptions(metrics: Metrics, { counters, speakers, away }: Observed): (reason: string) => void {
  metrics.gauge('tandem_captions_speakers', 'Microphones that are recognized now.', speakers);
  metrics.gauge(
    'tandem_captions_recognizers_away',
    'Languages whose recognizer did not answer when it was last asked.',
    away,
  );
  metrics.total('tandem_captions_sound_bytes_total', 'Sound that came in.', () => counters.soundBytes);
  metrics.total(
    'tandem_captions_dropped_bytes_total',
    'Sound that went to no recognizer: it was slow, or there was more of it than a microphone gives.',
    () => counters.droppedBytes,
  );
  metrics.total('tandem_captions_texts_total', 'Captions passed to the pages of their speakers.', () => counters.texts);
  const refused = metrics.counter('tandem_captions_refused_total', 'Handshakes that were refused.', ['reason']);
  // From the beginning on: an alarm watches it.
  refused.inc({ reason: 'connections' }, 0);
  return (reason) => refused.inc({ reason });
}
