'use client';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { basePath } from '../../lib/runtime-config.ts';
import { useStore } from '../../lib/store.ts';
import { Icon } from '../../ui/icons.tsx';

const WORDS = {
  websocket: 'lobby.websocketBlocked',
  service: 'lobby.serviceAway',
  slow: 'lobby.slow',
  offline: 'lobby.offline',
  full: 'lobby.full',
} as const;

/** Joining takes long: why, as far as the page can tell, the way back, and the checks. */
export function ObstacleHelp() {
  const t = useText();
  const obstacle = useStore(call, (s) => s.obstacle);
  if (!obstacle) return null;
  return (
    <div className="note" role="status" data-testid="obstacle" data-obstacle={obstacle}>
      <Icon name="alert" />
      <p className="small">{t(WORDS[obstacle])}</p>
      <div className="actions">
        <button type="button" className="button compact" data-testid="cancel-join" onClick={() => call.cancelJoin()}>
          {t('lobby.cancel')}
        </button>
        {obstacle !== 'full' && (
          <a className="button compact" href={`${basePath}/diagnostics/`}>
            {t('lobby.diagnostics')}
          </a>
        )}
      </div>
    </div>
  );
}
