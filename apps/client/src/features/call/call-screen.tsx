'use client';
import '../../lib/load-rest.ts';
import '../../styles/call.css';
import '../../styles/stage.css';
import '../../styles/panel.css';
import { useStore } from '@tandem/react';
import { memo, useCallback, useDeferredValue, useEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useLanguage, useText } from '../../i18n/index.ts';
import { clock } from '../../lib/format.ts';
import { localMedia } from '../../media/local-media.ts';
import { Logo } from '../../ui/brand.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Part } from '../../ui/part.tsx';
import { SettingsDialog } from '../settings/loaded-settings.tsx';
import { Banner } from './banners.tsx';
import { BrokenCall } from './broken-call.tsx';
import { Captions } from './captions.tsx';
import { ChatPanel } from './chat-panel.tsx';
import type { CallDialog } from './control-menus.tsx';
import { Controls as ControlsView } from './controls.tsx';
import { InviteDialog } from './invite.tsx';
import { Rehearsal } from './loaded-rehearsal.tsx';
import { Notices } from './notices.tsx';
import { PeoplePanel } from './people-panel.tsx';
import { QualityBadge } from './quality-badge.tsx';
import { Reactions } from './reactions.tsx';
import { RecordingSign } from './recording.tsx';
import { SharingBar } from './sharing-bar.tsx';
import { ShortcutSheet } from './shortcut-sheet.tsx';
import { SidePanel } from './side-panel.tsx';
import { Stage as StageView } from './stage.tsx';
import { StatsPanel } from './stats-panel.tsx';
import { TabSign } from './tab-sign.ts';
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

/** In a room of this many people, me among them, who joins listens first: fifty open microphones are a noise. */
const LARGE_ROOM = 50;

function joinQuietly(): void {
  const { peers, watching } = call.get();
  if (watching || peers.filter(({ audience }) => !audience).length + 1 < LARGE_ROOM) return;
  void localMedia.setMuted(true, 'call');
  void localMedia.setCamera(false, 'call');
  call.notify('call.largeRoom');
}

// A panel or a dialog that opens draws none of these anew.
const Stage = memo(StageView);
const Controls = memo(ControlsView);
const Header = memo(HeaderView);

const PANEL_TITLES = { chat: 'chat.title', people: 'call.peopleTitle', stats: 'stats.title' } as const;

export function CallScreen() {
  const t = useText();
  const room = useStore(call, (s) => s.room);
  // The button answers first: a panel lays out every picture anew, which takes longer than a press may.
  const panel = useDeferredValue(useStore(call, (s) => s.panel));
  const rehearsing = useStore(call, (s) => s.rehearsing);
  const [dialog, setDialog] = useState<CallDialog>();
  const main = useRef<HTMLElement>(null);
  const close = useCallback(() => setDialog(undefined), []);
  const invite = useCallback(() => setDialog('invite'), []);
  useShortcuts(useCallback(() => setDialog((d) => (d === 'shortcuts' ? undefined : 'shortcuts')), []));
  useEffect(() => {
    main.current?.focus();
    joinQuietly();
  }, []);

  return (
    <div className={`call ${panel ? 'with-panel' : ''}`}>
      <TabSign />
      <Header onInvite={invite} />
      <div className="call-banner">
        <Part fallback={() => null}>
          <SharingBar />
          <Banner />
        </Part>
      </div>
      <main id="main" ref={main} tabIndex={-1} className="call-main" aria-label={t('call.label', { room })}>
        <Part>
          <Stage />
        </Part>
        <Part fallback={() => null}>
          <Reactions />
          <Captions />
        </Part>
      </main>
      {panel && (
        <SidePanel title={t(PANEL_TITLES[panel])} onClose={() => call.openPanel(panel)}>
          <Part key={panel}>
            {panel === 'chat' ? <ChatPanel /> : panel === 'people' ? <PeoplePanel onInvite={invite} /> : <StatsPanel />}
          </Part>
        </SidePanel>
      )}
      <Part fallback={(retry) => <BrokenCall retry={retry} />}>
        <Controls onDialog={setDialog} />
      </Part>
      <Part key={dialog} fallback={() => null}>
        {dialog === 'invite' && <InviteDialog onClose={close} />}
        {dialog === 'shortcuts' && <ShortcutSheet onClose={close} />}
        {dialog === 'settings' && <SettingsDialog onClose={close} />}
      </Part>
      {rehearsing && <Rehearsal />}
    </div>
  );
}

/** The room, the time, what has just happened, the connection, and who is here. */
function HeaderView({ onInvite }: { onInvite: () => void }) {
  const t = useText();
  const room = useStore(call, (s) => s.room);
  const count = useStore(call, (s) => s.peers.length + 1);
  const encrypted = useStore(call, (s) => s.secret !== undefined);
  return (
    <header className="call-top">
      <span className="brand">
        <Logo size={26} />
      </span>
      <h1 dir="auto">{room}</h1>
      {encrypted && (
        <button
          type="button"
          className="icon-button"
          data-testid="encrypted-sign"
          onClick={() => call.openPanel('people')}
          aria-label={t('lobby.encrypted')}
          title={t('lobby.encrypted')}
        >
          <Icon name="lock" size={18} />
        </button>
      )}
      <RecordingSign />
      <Timer />
      <Part fallback={() => null}>
        <Notices />
      </Part>
      <Part fallback={() => null}>
        <QualityBadge />
      </Part>
      <button type="button" className="count-badge" data-testid="people-count" onClick={() => call.openPanel('people')}>
        <Icon name="people" size={18} />
        <span aria-hidden="true">{count}</span>
        <span className="visually-hidden">{t('call.people', { count })}</span>
      </button>
      <button
        type="button"
        className="icon-button"
        onClick={onInvite}
        aria-label={t('call.invite')}
        title={t('call.invite')}
      >
        <Icon name="person-add" />
      </button>
    </header>
  );
}
