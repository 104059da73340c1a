'use client';
import '../../styles/call.css';
import '../../styles/stage.css';
import '../../styles/panel.css';
import { useCallback, useEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useLanguage, useText } from '../../i18n/index.ts';
import { clock } from '../../lib/format.ts';
import { useStore } from '../../lib/store.ts';
import { Icon, Mark } from '../../ui/icons.tsx';
import { Part } from '../../ui/part.tsx';
import { SettingsDialog } from '../settings/loaded-settings.tsx';
import { Banner, Notices, Reactions } from './banners.tsx';
import { BrokenCall } from './broken-call.tsx';
import { ChatPanel } from './chat-panel.tsx';
import type { CallDialog } from './control-menus.tsx';
import { Controls } from './controls.tsx';
import { InviteDialog } from './invite.tsx';
import { PeoplePanel } from './people-panel.tsx';
import { QualityBadge } from './quality-badge.tsx';
import { ShortcutSheet } from './shortcut-sheet.tsx';
import { Stage } from './stage.tsx';
import { StatsPanel } from './stats-panel.tsx';
import { useShortcuts } from './use-shortcuts.ts';

function Timer() {
  const joinedAt = useStore(call, (s) => s.joinedAt);
  const language = useLanguage();
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className="timer" role="timer" dir="ltr">
      {clock(now - joinedAt, language)}
    </span>
  );
}

export function CallScreen() {
  const t = useText();
  const room = useStore(call, (s) => s.room);
  const count = useStore(call, (s) => s.peers.length + 1);
  const panel = useStore(call, (s) => s.panel);
  const [dialog, setDialog] = useState<CallDialog>();
  const main = useRef<HTMLElement>(null);
  const close = useCallback(() => setDialog(undefined), []);
  useShortcuts(useCallback(() => setDialog((d) => (d === 'shortcuts' ? undefined : 'shortcuts')), []));
  useEffect(() => main.current?.focus(), []);

  return (
    <div className={`call ${panel ? 'with-panel' : ''}`}>
      <header className="call-top">
        <span className="brand">
          <Mark size={26} />
        </span>
        <h1 dir="auto">{room}</h1>
        <Timer />
        <span className="spacer" />
        <Part fallback={() => null}>
          <QualityBadge />
        </Part>
        <button
          type="button"
          className="count-badge"
          data-testid="people-count"
          onClick={() => call.openPanel('people')}
        >
          <Icon name="people" size={18} />
          <span aria-hidden="true">{count}</span>
          <span className="visually-hidden">{t('call.people', { count })}</span>
        </button>
        <button
          type="button"
          className="icon-button"
          onClick={() => setDialog('invite')}
          aria-label={t('call.invite')}
          title={t('call.invite')}
        >
          <Icon name="person-add" />
        </button>
      </header>
      <main id="main" ref={main} tabIndex={-1} className="call-main" aria-label={t('call.label', { room })}>
        <Part>
          <Stage />
        </Part>
        <div className="overlay">
          <Part fallback={() => null}>
            <Banner />
          </Part>
          <Part fallback={() => null}>
            <Notices />
          </Part>
        </div>
        <Part fallback={() => null}>
          <Reactions />
        </Part>
      </main>
      {panel && (
        <aside
          className="panel"
          aria-label={t(panel === 'chat' ? 'chat.title' : panel === 'people' ? 'call.peopleTitle' : 'stats.title')}
        >
          <div className="panel-head">
            <h2>{t(panel === 'chat' ? 'chat.title' : panel === 'people' ? 'call.peopleTitle' : 'stats.title')}</h2>
            <button
              type="button"
              className="icon-button"
              onClick={() => call.openPanel(panel)}
              aria-label={t('app.close')}
            >
              <Icon name="close" />
            </button>
          </div>
          <Part key={panel}>
            {panel === 'chat' ? (
              <ChatPanel />
            ) : panel === 'people' ? (
              <PeoplePanel onInvite={() => setDialog('invite')} />
            ) : (
              <StatsPanel />
            )}
          </Part>
        </aside>
      )}
      <Part fallback={(retry) => <BrokenCall retry={retry} />}>
        <Controls onDialog={setDialog} />
      </Part>
      <Part key={dialog} fallback={() => null}>
        {dialog === 'invite' && <InviteDialog onClose={close} />}
        {dialog === 'shortcuts' && <ShortcutSheet onClose={close} />}
        {dialog === 'settings' && <SettingsDialog onClose={close} />}
      </Part>
    </div>
  );
}
