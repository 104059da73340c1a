import type { Trouble, TroubleCode } from '@tandem/rtc';
import type { MessageKey, Values } from '../../i18n/index.ts';

const KEYS: Record<TroubleCode, MessageKey> = {
  'loss-in': 'quality.loss',
  'loss-out': 'quality.loss',
  delay: 'quality.delay',
  jitter: 'quality.jitter',
  frozen: 'quality.frozen',
  uplink: 'quality.bandwidth',
  cpu: 'quality.cpu',
  'no-media': 'quality.silent',
};

/** A cause in the reader's language: losses in percent, times in whole ms. */
export function troubleWords({ code, value }: Trouble): { key: MessageKey; values: Values } {
  const share = code === 'loss-in' || code === 'loss-out';
  return { key: KEYS[code], values: { value: Math.round(share ? value * 100 : value) } };
}
