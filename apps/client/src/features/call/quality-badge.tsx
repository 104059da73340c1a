'use client';
import { useStore } from '@tandem/react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';

/** One word about the connection; the panel behind it says why. */
export function QualityBadge() {
  const t = useText();
  const grade = useStore(call, (s) => s.health.grade);
  const alone = useStore(call, (s) => s.peers.length === 0);
  if (alone) return null;
  const word = t(grade ? `quality.${grade}` : 'quality.unknown');
  return (
    <button
      type="button"
      className={`quality-badge ${grade ?? 'unknown'}`}
      data-testid="quality-badge"
      data-grade={grade}
      onClick={() => call.openPanel('stats')}
      aria-label={`${t('quality.title')}: ${word}`}
    >
      <svg width="18" height="14" viewBox="0 0 18 14" aria-hidden="true">
        <rect className="bar" x="0" y="9" width="4" height="5" rx="1" />
        <rect className="bar mid" x="7" y="5" width="4" height="9" rx="1" />
        <rect className="bar top" x="14" y="0" width="4" height="14" rx="1" />
      </svg>
      <span>{word}</span>
    </button>
  );
}
