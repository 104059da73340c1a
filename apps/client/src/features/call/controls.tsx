'use client';
import { useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { REACTIONS } from '../../call/types.ts';
import { useText } from '../../i18n/index.ts';
import { useStore } from '../../lib/store.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon, type IconName } from '../../ui/icons.tsx';
import { CameraChoices, MicrophoneChoices } from './device-choices.tsx';
import { toggleFullScreen } from './full-screen.ts';
import { canPip, openPip } from './pip.ts';
import { Popover } from './popover.tsx';

export type CallDialog = 'settings' | 'shortcuts' | 'invite' | undefined;

function Control({
  icon,
  label,
  testId,
  pressed,
  off,
  danger,
  badge,
  wide,
  expanded,
  onClick,
}: {
  icon: IconName;
  label: string;
  testId?: string;
  pressed?: boolean;
  /** Shown in the colour of "switched off". */
  off?: boolean;
  danger?: boolean;
  badge?: number;
  /** Only where there is room; the menu has it too. */
  wide?: boolean;
  expanded?: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      className={`control ${off ? 'off' : ''} ${danger ? 'danger' : ''} ${wide ? 'wide-only' : ''}`}
      data-testid={testId}
      aria-pressed={pressed}
      aria-expanded={expanded}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <Icon name={icon} />
      {badge ? (
        <span className="badge" aria-hidden="true">
          {badge > 9 ? '9+' : badge}
        </span>
      ) : null}
    </button>
  );
}

export function Controls({ onDialog }: { onDialog: (dialog: CallDialog) => void }) {
  const t = useText();
  const [menu, setMenu] = useState<'mic' | 'cam' | 'react' | 'more' | undefined>();
  const audio = useStore(localMedia, (s) => s.audio);
  const video = useStore(localMedia, (s) => s.video);
  const muted = useStore(localMedia, (s) => s.muted);
  const sharing = useStore(call, (s) => s.sharing !== undefined);
  const panel = useStore(call, (s) => s.panel);
  const unread = useStore(call, (s) => s.unread);
  const hand = useStore(call, (s) => s.hand);
  const layout = useStore(call, (s) => s.layout);
  const micOn = audio === 'live' && !muted;
  const camOn = video === 'live';
  const canShare = typeof navigator !== 'undefined' && 'getDisplayMedia' in (navigator.mediaDevices ?? {});
  const close = useRef(() => setMenu(undefined)).current;
  const item = (icon: IconName, label: string, run: () => void, testId?: string, where = '') => (
    <button
      type="button"
      className={`menu-item ${where}`}
      data-testid={testId}
      onClick={() => {
        close();
        run();
      }}
    >
      <Icon name={icon} size={20} />
      {label}
    </button>
  );
  const settings = () => item('settings', t('control.settings'), () => onDialog('settings'), 'open-settings');
  /** The devices of a switch, in a menu beside it; on a narrow screen "More" has them. */
  const choices = (kind: 'mic' | 'cam') => {
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
        {menu === kind && (
          <Popover label={label} onClose={close}>
            {kind === 'mic' ? <MicrophoneChoices /> : <CameraChoices />}
            {settings()}
          </Popover>
        )}
      </>
    );
  };
  return (
    <footer className="controls-area">
      <div className="controls" role="toolbar" aria-label={t('control.bar')}>
        <div className="has-popover split">
          <Control
            icon={micOn ? 'mic' : 'mic-off'}
            label={micOn ? t('control.micOff') : t('control.micOn')}
            testId="toggle-mic"
            off={!micOn}
            onClick={() => void localMedia.setMuted(micOn)}
          />
          {choices('mic')}
        </div>
        <div className="has-popover split">
          <Control
            icon={camOn ? 'cam' : 'cam-off'}
            label={camOn ? t('control.camOff') : t('control.camOn')}
            testId="toggle-cam"
            off={!camOn}
            onClick={() => void localMedia.setCamera(!camOn)}
          />
          {choices('cam')}
        </div>
        {canShare && (
          <Control
            icon="screen"
            wide
            label={sharing ? t('control.screenStop') : t('control.screen')}
            testId="toggle-screen"
            pressed={sharing}
            onClick={() => void call.toggleScreen()}
          />
        )}
        <div className="has-popover">
          <Control
            icon="smile"
            label={t('control.react')}
            testId="react"
            expanded={menu === 'react'}
            onClick={() => setMenu(menu === 'react' ? undefined : 'react')}
          />
          {menu === 'react' && (
            <Popover label={t('control.react')} onClose={close}>
              <div className="reaction-row">
                {REACTIONS.map((kind) => (
                  <button
                    key={kind}
                    type="button"
                    className={`icon-button reaction-${kind}`}
                    data-testid={`reaction-${kind}`}
                    aria-label={t(`reaction.${kind}`)}
                    title={t(`reaction.${kind}`)}
                    onClick={() => call.react(kind)}
                  >
                    <Icon name={kind === 'wave' ? 'hand' : kind} size={26} />
                  </button>
                ))}
              </div>
              {item('hand', hand ? t('control.handDown') : t('control.hand'), () => call.toggleHand(), 'toggle-hand')}
            </Popover>
          )}
        </div>
        <Control
          icon="chat"
          label={unread ? t('control.chatUnread', { count: unread }) : t('control.chat')}
          testId="open-chat"
          pressed={panel === 'chat'}
          badge={unread}
          onClick={() => call.openPanel('chat')}
        />
        <Control
          icon="people"
          wide
          label={t('control.people')}
          testId="open-people"
          pressed={panel === 'people'}
          onClick={() => call.openPanel('people')}
        />
        <div className="has-popover">
          <Control
            icon="more"
            label={t('control.more')}
            testId="more"
            expanded={menu === 'more'}
            onClick={() => setMenu(menu === 'more' ? undefined : 'more')}
          />
          {menu === 'more' && (
            <Popover label={t('control.more')} onClose={close}>
              <fieldset className="menu-layout">
                <legend className="visually-hidden">{t('control.layout')}</legend>
                {(['auto', 'grid', 'spotlight'] as const).map((kind) => (
                  <button
                    key={kind}
                    type="button"
                    className="menu-choice"
                    aria-pressed={layout === kind}
                    onClick={() => call.set({ layout: kind })}
                  >
                    {t(
                      kind === 'auto'
                        ? 'control.layoutAuto'
                        : kind === 'grid'
                          ? 'control.layoutGrid'
                          : 'control.layoutSpotlight',
                    )}
                  </button>
                ))}
              </fieldset>
              {item('person-add', t('call.invite'), () => onDialog('invite'))}
              {item('people', t('control.people'), () => call.openPanel('people'), undefined, 'narrow-only')}
              {canShare &&
                item(
                  'screen',
                  sharing ? t('control.screenStop') : t('control.screen'),
                  () => void call.toggleScreen(),
                  undefined,
                  'narrow-only',
                )}
              {item('mic', t('control.micChoices'), () => setMenu('mic'), 'more-mic', 'narrow-only')}
              {item('cam', t('control.camChoices'), () => setMenu('cam'), 'more-cam', 'narrow-only')}
              {item('stats', t('control.stats'), () => call.openPanel('stats'), 'open-stats')}
              {canPip() && item('pip', t('control.pip'), () => void openPip())}
              {document.fullscreenEnabled && item('expand', t('control.fullscreen'), () => toggleFullScreen())}
              {item('keyboard', t('control.shortcuts'), () => onDialog('shortcuts'), undefined, 'keys-only')}
              {settings()}
            </Popover>
          )}
        </div>
        <Control icon="leave" danger label={t('control.leave')} testId="leave" onClick={() => call.leave()} />
      </div>
    </footer>
  );
}
