'use client';
import { useStore } from '@tandem/react';
import { useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { mayShare } from '../../call/permitted.ts';
import { useText } from '../../i18n/index.ts';
import { useFeature } from '../../lib/look-store.ts';
import { Icon } from '../../ui/icons.tsx';
import { Control } from './control-button.tsx';
import { type CallDialog, canShare, DeviceMenu, type Menu, MoreMenu, ReactMenu } from './control-menus.tsx';
import { CameraSwitch, MicrophoneSwitch } from './control-switches.tsx';

interface MenuState {
  /** The open one. */
  readonly menu: Menu | undefined;
  readonly setMenu: (menu: Menu | undefined) => void;
  readonly onClose: () => void;
  readonly onDialog: (dialog: CallDialog) => void;
}

/** The bar of the call: switches, panels, menus, and the way out. */
export function Controls({ onDialog }: { onDialog: (dialog: CallDialog) => void }) {
  const t = useText();
  const watching = useStore(call, (s) => s.watching);
  const reactions = useFeature('reactions');
  const [menu, setMenu] = useState<Menu | undefined>();
  // The same function always: a popover that gets another one moves the focus.
  const onClose = useRef(() => setMenu(undefined)).current;
  const menus: MenuState = { menu, setMenu, onClose, onDialog };
  return (
    <footer className="controls-area">
      <div className="controls" role="toolbar" aria-label={t('control.bar')}>
        {watching ? (
          <Watching />
        ) : (
          <>
            <Microphone {...menus} />
            <Camera {...menus} />
            <ScreenButton />
          </>
        )}
        <HandButton />
        {reactions && (
          <div className="has-popover">
            <Control
              icon="smile"
              label={t('control.react')}
              testId="react"
              expanded={menu === 'react'}
              onClick={() => setMenu(menu === 'react' ? undefined : 'react')}
            />
            {menu === 'react' && <ReactMenu onClose={onClose} />}
          </div>
        )}
        <Panels />
        <div className="has-popover">
          <Control
            icon="more"
            label={t('control.more')}
            testId="more"
            expanded={menu === 'more'}
            onClick={() => setMenu(menu === 'more' ? undefined : 'more')}
          />
          {menu === 'more' && <MoreMenu onClose={onClose} onDialog={onDialog} onMenu={setMenu} />}
        </div>
        <Control icon="leave" danger label={t('control.leave')} testId="leave" onClick={() => call.leave()} />
      </div>
    </footer>
  );
}

/** In place of the switches of who is seen and heard. */
function Watching() {
  const t = useText();
  return (
    <p className="watching-sign" data-testid="watching" title={t('audience.text')}>
      <Icon name="eye" size={20} />
      <span>{t('audience.watching')}</span>
    </p>
  );
}

function Microphone(menus: MenuState) {
  return (
    <div className="has-popover split">
      <MicrophoneSwitch />
      <Choices kind="mic" {...menus} />
    </div>
  );
}

function Camera(menus: MenuState) {
  return (
    <div className="has-popover split">
      <CameraSwitch />
      <Choices kind="cam" {...menus} />
    </div>
  );
}

function Choices({ kind, menu, setMenu, onClose, onDialog }: MenuState & { kind: 'mic' | 'cam' }) {
  const t = useText();
  const label = t(kind === 'mic' ? 'control.micChoices' : 'control.camChoices');
  return (
    <>
      <button
        type="button"
        className="control-choices"
        data-testid={`${kind}-choices`}
        aria-expanded={menu === kind}
        aria-label={label}
        title={label}
        onClick={() => setMenu(menu === kind ? undefined : kind)}
      >
        <Icon name="chevron" size={18} />
      </button>
      {menu === kind && <DeviceMenu kind={kind} label={label} onClose={onClose} onDialog={onDialog} />}
    </>
  );
}

function ScreenButton() {
  const t = useText();
  const sharing = useStore(call, (s) => s.sharing !== undefined);
  const offered = useFeature('screen');
  const may = useStore(call, mayShare);
  if (!offered || !may || !canShare()) return null;
  return (
    <Control
      icon="screen"
      wide
      label={sharing ? t('control.screenStop') : t('control.screen')}
      testId="toggle-screen"
      pressed={sharing}
      onClick={() => void call.toggleScreen()}
    />
  );
}

function HandButton() {
  const t = useText();
  const hand = useStore(call, (s) => s.hand);
  // Who only watches has nothing else to say: it is not in a menu.
  const watching = useStore(call, (s) => s.watching);
  return (
    <Control
      icon="hand"
      wide={!watching}
      label={t(hand ? 'control.handDown' : 'control.hand')}
      testId="toggle-hand"
      pressed={hand}
      onClick={() => call.toggleHand()}
    />
  );
}

function Panels() {
  const t = useText();
  const panel = useStore(call, (s) => s.panel);
  const unread = useStore(call, (s) => s.unread);
  const chat = useFeature('chat');
  return (
    <>
      {chat && (
        <Control
          icon="chat"
          label={unread ? t('control.chatUnread', { count: unread }) : t('control.chat')}
          testId="open-chat"
          pressed={panel === 'chat'}
          badge={unread}
          onClick={() => call.openPanel('chat')}
        />
      )}
      <Control
        icon="people"
        wide
        label={t('control.people')}
        testId="open-people"
        pressed={panel === 'people'}
        onClick={() => call.openPanel('people')}
      />
    </>
  );
}
