'use client';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { useStore } from '../../lib/store.ts';
import { Icon } from '../../ui/icons.tsx';

/** What I share is told, not shown: a picture of the screen on that screen is a tunnel of mirrors. */
export function SharingBar() {
  const t = useText();
  const sharing = useStore(call, (s) => s.sharing !== undefined);
  if (!sharing) return null;
  return (
    <div className="banner sharing" role="status" data-testid="sharing-bar">
      <Icon name="screen" size={20} />
      <span>{t('call.tileYourScreen')}</span>
      <button
        type="button"
        className="button compact"
        data-testid="stop-sharing"
        onClick={() => void call.toggleScreen()}
      >
        {t('control.screenStop')}
      </button>
    </div>
  );
}
