'use client';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { Broken } from '../../ui/part.tsx';

/** The call goes on without its screen or its controls: leaving is always possible. */
export function BrokenCall({ retry, whole }: { retry: () => void; whole?: boolean }) {
  const t = useText();
  return (
    <Broken retry={retry} whole={whole}>
      <button type="button" className="button compact danger" data-testid="leave" onClick={() => call.leave()}>
        {t('control.leave')}
      </button>
    </Broken>
  );
}
