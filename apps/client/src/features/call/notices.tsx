'use client';
import { useStore } from '@tandem/react';
import { useLayoutEffect } from 'react';
import { call } from '../../call/call-model.ts';
import type { Notice } from '../../call/types.ts';
import { useText } from '../../i18n/index.ts';

/** Short lines that come and go, in the header: no face is there to be covered. The newest is seen, all are read out. */
export function Notices() {
  const notices = useStore(call, (s) => s.notices);
  const inChat = useStore(call, (s) => s.panel === 'chat');
  // A line of the chat was read there, also when it closes again at once. A hand that goes up is not read out by the open list of people.
  useLayoutEffect(() => {
    if (inChat) call.set({ notices: call.get().notices.filter(({ opens }) => opens !== 'chat') });
  }, [inChat]);
  return (
    <div className="notices" role="log" aria-live="polite">
      {notices.map((notice) => (
        <Line key={notice.id} notice={notice} />
      ))}
    </div>
  );
}

function Line({ notice: { key, values, opens } }: { notice: Notice }) {
  const t = useText();
  const words = t(key, values);
  if (!opens)
    return (
      <p className="notice" title={words}>
        <span>{words}</span>
      </p>
    );
  return (
    <button type="button" className="notice" title={words} onClick={() => call.showPanel(opens)}>
      <span>{words}</span>
    </button>
  );
}
