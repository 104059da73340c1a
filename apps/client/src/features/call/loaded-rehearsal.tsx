'use client';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Broken, loadedPart } from '../../ui/part.tsx';

/** Loaded when somebody who is invited wants to speak. Where it does not load, the invitation stays. */
export const Rehearsal = loadedPart<object>(async () => (await import('./rehearsal.tsx')).Rehearsal, {
  fallback: (retry) => <BrokenRehearsal retry={retry} />,
});

function BrokenRehearsal({ retry }: { retry: () => void }) {
  const t = useText();
  return (
    <Dialog title={t('audience.lookTitle')} onClose={() => call.endRehearsal()}>
      <Broken retry={retry} />
    </Dialog>
  );
}
