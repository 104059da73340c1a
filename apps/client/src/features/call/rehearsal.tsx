'use client';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { MyDevices } from '../lobby/my-devices.tsx';

/** Who is invited to speak looks at themselves first, as everybody does in the lobby. */
export function Rehearsal() {
  const t = useText();
  return (
    <Dialog title={t('audience.lookTitle')} onClose={() => call.endRehearsal()}>
      <section data-testid="rehearsal">
        <p className="soft">{t('audience.lookText')}</p>
        <MyDevices />
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
