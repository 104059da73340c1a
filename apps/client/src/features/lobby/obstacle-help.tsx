'use client';
import { useStore } from '@tandem/react';
import { useEffect, useRef } from 'react';
import { call } from '../../call/call-model.ts';
import { elsewhere, useHosted } from '../../embed/hosted.ts';
import { useText } from '../../i18n/index.ts';
import { basePath } from '../../lib/runtime-config.ts';
import { Icon } from '../../ui/icons.tsx';

const WORDS = {
  websocket: 'lobby.websocketBlocked',
  service: 'lobby.serviceAway',
  slow: 'lobby.slow',
  offline: 'lobby.offline',
  full: 'lobby.full',
  waiting: 'lobby.waiting',
} as const;

/** Joining takes long: why, as far as the page can tell, the way back, and the checks. */
export function ObstacleHelp() {
  const t = useText();
  const obstacle = useStore(call, (s) => s.obstacle);
  const hosted = useHosted();
  const note = useRef<HTMLDivElement>(null);
  // On a phone it appears, or grows, below the page's end.
  useEffect(() => {
    if (obstacle) note.current?.scrollIntoView({ block: 'nearest' });
  }, [obstacle]);
  if (!obstacle) return null;
  // Nothing is wrong.
  const isTurn = obstacle === 'full' || obstacle === 'waiting';
  return (
    <div ref={note} className="note" role="status" data-testid="obstacle" data-obstacle={obstacle}>
      <Icon name={isTurn ? 'people' : 'alert'} />
      <p className="small">{t(WORDS[obstacle])}</p>
      <div className="actions">
        <button type="button" className="button compact" data-testid="cancel-join" onClick={() => call.cancelJoin()}>
          {t('lobby.cancel')}
        </button>
        {!isTurn && (
          <a className="button compact" href={`${basePath}/diagnostics/`} {...elsewhere(hosted)}>
            {t('lobby.diagnostics')}
          </a>
        )}
      </div>
    </div>
  );
}
