'use client';
import { useStore } from '@tandem/react';
import { call } from '../../call/call-model.ts';
import { mayShare } from '../../call/permitted.ts';
import { REACTIONS } from '../../call/types.ts';
import { useText } from '../../i18n/index.ts';
import { useFeature } from '../../lib/look-store.ts';
import { savePreferences } from '../../lib/preferences.ts';
import { Icon } from '../../ui/icons.tsx';
import { MenuItem } from './control-button.tsx';
import { CameraChoices, MicrophoneChoices } from './device-choices.tsx';
import { FlipCamera } from './flip-camera.tsx';
import { toggleFullScreen } from './full-screen.ts';
import { canPip, openPip } from './pip.ts';
import { Popover } from './popover.tsx';
import { SELF_VIEWS, useSelfView } from './self-view.ts';

export type CallDialog = 'settings' | 'shortcuts' | 'invite' | undefined;
export type Menu = 'mic' | 'cam' | 'react' | 'more';

interface MenuProps {
  readonly onClose: () => void;
  readonly onDialog: (dialog: CallDialog) => void;
}

/** Closes the menu, then does what was chosen: the focus is back before a dialog takes it. */
function choose(onClose: () => void, run: () => void): () => void {
  return () => {
    onClose();
    run();
  };
}

function SettingsItem({ onClose, onDialog }: MenuProps) {
  const t = useText();
  return (
    <MenuItem
      icon="settings"
      label={t('control.settings')}
      testId="open-settings"
      onClick={choose(onClose, () => onDialog('settings'))}
    />
  );
}

/** The devices of a switch, in a menu beside it; on a narrow screen "More" has them. */
export function DeviceMenu({ kind, label, ...props }: MenuProps & { kind: 'mic' | 'cam'; label: string }) {
  return (
    <Popover label={label} onClose={props.onClose}>
      {kind === 'mic' ? <MicrophoneChoices /> : <CameraChoices />}
      {kind === 'cam' && <FlipCamera onChoose={(run) => choose(props.onClose, run)} />}
      <SettingsItem {...props} />
    </Popover>
  );
}

export function ReactMenu({ onClose }: Pick<MenuProps, 'onClose'>) {
  const t = useText();
  const hand = useStore(call, (s) => s.hand);
  return (
    <Popover label={t('control.react')} onClose={onClose}>
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
      <MenuItem
        icon="hand"
        label={hand ? t('control.handDown') : t('control.hand')}
        testId="menu-hand"
        where="narrow-only"
        onClick={choose(onClose, () => call.toggleHand())}
      />
    </Popover>
  );
}

const LAYOUTS = {
  auto: 'control.layoutAuto',
  grid: 'control.layoutGrid',
  spotlight: 'control.layoutSpotlight',
} as const;

function LayoutChoice() {
  const t = useText();
  const layout = useStore(call, (s) => s.layout);
  return (
    <fieldset className="menu-layout titled">
      <legend>{t('control.layout')}</legend>
      {(Object.keys(LAYOUTS) as (keyof typeof LAYOUTS)[]).map((kind) => (
        <button
          key={kind}
          type="button"
          className="menu-choice"
          aria-pressed={layout === kind}
          onClick={() => call.set({ layout: kind })}
        >
          {t(LAYOUTS[kind])}
        </button>
      ))}
    </fieldset>
  );
}

const SELF = { full: 'control.selfFull', small: 'control.selfSmall', hidden: 'control.selfHidden' } as const;

/** How I see myself; the others see me all the same. */
function SelfChoice() {
  const t = useText();
  const { view } = useSelfView();
  return (
    <fieldset className="menu-layout titled">
      <legend>{t('control.self')}</legend>
      {SELF_VIEWS.map((kind) => (
        <button
          key={kind}
          type="button"
          className="menu-choice"
          data-testid={`self-${kind}`}
          aria-pressed={view === kind}
          onClick={() => savePreferences({ selfView: kind })}
        >
          {t(SELF[kind])}
        </button>
      ))}
    </fieldset>
  );
}

/** Where the bar has no room for the arrows beside the switches. */
function DeviceItems({ onClose, onMenu }: { onClose: () => void; onMenu: (menu: Menu) => void }) {
  const t = useText();
  return (
    <>
      <MenuItem
        icon="mic"
        label={t('control.micChoices')}
        testId="more-mic"
        where="narrow-only"
        onClick={choose(onClose, () => onMenu('mic'))}
      />
      <MenuItem
        icon="cam"
        label={t('control.camChoices')}
        testId="more-cam"
        where="narrow-only"
        onClick={choose(onClose, () => onMenu('cam'))}
      />
    </>
  );
}

/** Everything that has no button of its own; on a narrow screen also what the bar has no room for. */
export function MoreMenu({ onMenu, ...props }: MenuProps & { onMenu: (menu: Menu) => void }) {
  const t = useText();
  const sharing = useStore(call, (s) => s.sharing !== undefined);
  const watching = useStore(call, (s) => s.watching);
  const screen = useFeature('screen');
  const may = useStore(call, mayShare);
  const { onClose, onDialog } = props;
  const does = (run: () => void) => choose(onClose, run);
  return (
    <Popover label={t('control.more')} onClose={onClose}>
      <LayoutChoice />
      {!watching && <SelfChoice />}
      {!watching && <FlipCamera onChoose={does} />}
      <MenuItem icon="person-add" label={t('call.invite')} onClick={does(() => onDialog('invite'))} />
      <MenuItem
        icon="people"
        label={t('control.people')}
        where="narrow-only"
        onClick={does(() => call.openPanel('people'))}
      />
      {!watching && screen && may && canShare() && (
        <MenuItem
          icon="screen"
          label={sharing ? t('control.screenStop') : t('control.screen')}
          where="narrow-only"
          onClick={does(() => void call.toggleScreen())}
        />
      )}
      {!watching && <DeviceItems onClose={onClose} onMenu={onMenu} />}
      <MenuItem
        icon="stats"
        label={t('control.stats')}
        testId="open-stats"
        onClick={does(() => call.openPanel('stats'))}
      />
      {canPip() && <MenuItem icon="pip" testId="pip" label={t('control.pip')} onClick={does(() => void openPip())} />}
      {document.fullscreenEnabled && (
        <MenuItem icon="expand" label={t('control.fullscreen')} onClick={does(() => toggleFullScreen())} />
      )}
      <MenuItem
        icon="keyboard"
        label={t('control.shortcuts')}
        where="keys-only"
        onClick={does(() => onDialog('shortcuts'))}
      />
      <SettingsItem {...props} />
    </Popover>
  );
}

/** Can this browser share a screen? Phones mostly cannot. */
export const canShare = (): boolean =>
  typeof navigator !== 'undefined' && 'getDisplayMedia' in (navigator.mediaDevices ?? {});
