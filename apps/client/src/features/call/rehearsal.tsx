'use client';
import { LevelBar } from '@tandem/react';
import { useCallback } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { localMedia } from '../../media/local-media.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Preview } from '../lobby/preview.tsx';
import { DeviceSelect } from '../settings/device-select.tsx';

/** Who is invited to speak looks at themselves first, as everybody does in the lobby. */
export function Rehearsal() {
  const t = useText();
  const level = useCallback(() => localMedia.level(), []);
  return (
    <Dialog title={t('audience.lookTitle')} onClose={() => call.endRehearsal()}>
      <section data-testid="rehearsal">
        <p className="soft">{t('audience.lookText')}</p>
        <Preview />
        <div className="devices">
          <DeviceSelect kind="audioinput">
            <LevelBar className="level" label={t('media.level')} read={level} />
          </DeviceSelect>
          <DeviceSelect kind="videoinput" />
        </div>
        <div className="actions">
          <button type="button" className="button primary" data-testid="speak" onClick={() => void call.speak()}>
            {t('audience.accept')}
          </button>
          <button type="button" className="button" data-testid="not-now" onClick={() => void call.declineInvite()}>
            {t('audience.decline')}
          </button>
        </div>
      </section>
    </Dialog>
  );
}
