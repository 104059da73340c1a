'use client';
import '../../styles/backdrops.css';
import { useStore } from '@tandem/react';
import { useEffect, useRef, useState } from 'react';
import { useText } from '../../i18n/index.ts';
import { preferences, savePreferences } from '../../lib/preferences.ts';
import { supports } from '../../media/constraints.ts';
import { missingPicture } from '../../media/effects/backdrop.ts';
import { effectsBase } from '../../media/effects/effect.ts';
import { keepOwnPicture, readOwnPicture } from '../../media/effects/own-picture.ts';
import { isOwn, PICTURES, pictureOf } from '../../media/effects/pictures.ts';
import { Icon } from '../../ui/icons.tsx';
import { changeBlur } from './switch.tsx';

function choose(backdrop: string): void {
  savePreferences({ backdrop });
  // A camera that blurs by itself is asked to stop or to begin; our own effect hears of the choice.
  if (supports('backgroundBlur')) changeBlur();
}

/** With the background covered: by blur, or by a picture. */
export function BackdropChoice() {
  const t = useText();
  const covered = useStore(preferences, (p) => p.backgroundBlur);
  const chosen = useStore(preferences, (p) => pictureOf(p.backdrop));
  const missing = useStore(missingPicture, (s) => s.name);
  if (!covered) return null;
  return (
    <fieldset className="backdrops" data-testid="backdrops">
      <legend className="small soft">{t('settings.backdrop')}</legend>
      <div>
        <button type="button" data-testid="backdrop-blur" aria-pressed={!chosen} onClick={() => choose('blur')}>
          <span className="backdrop-blurred">
            <Icon name="blur" size={22} />
          </span>
          {t('backdrop.blur')}
        </button>
        {PICTURES.map((name) => (
          <button
            key={name}
            type="button"
            data-testid={`backdrop-${name}`}
            aria-pressed={chosen === name}
            onClick={() => choose(name)}
          >
            <img src={`${effectsBase}/${name}.webp`} alt="" width={96} height={54} loading="lazy" />
            {t(`backdrop.${name}`)}
          </button>
        ))}
        <OwnPicture />
      </div>
      {missing && missing === chosen && (
        <p className="small" role="status" data-testid="backdrop-missing">
          {t('backdrop.missing')}
        </p>
      )}
    </fieldset>
  );
}

/** Address of the picture to show; undefined while it is read, and when it is gone. */
function useOwnPicture(name: string): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!isOwn(name)) return;
    let made: string | undefined;
    let unwanted = false;
    readOwnPicture(name).then(
      (picture) => {
        if (unwanted) return;
        made = URL.createObjectURL(picture);
        setUrl(made);
      },
      () => {},
    );
    return () => {
      unwanted = true;
      if (made) URL.revokeObjectURL(made);
      setUrl(undefined);
    };
  }, [name]);
  return url;
}

/** One from a file: chosen by the button, which takes another one when it is pressed again. */
function OwnPicture() {
  const t = useText();
  const input = useRef<HTMLInputElement>(null);
  const own = useStore(preferences, (p) => p.ownBackdrop);
  const chosen = useStore(preferences, (p) => p.backdrop === p.ownBackdrop && isOwn(p.backdrop));
  const url = useOwnPicture(own);
  const [unreadable, setUnreadable] = useState(false);
  const take = async (file: File | undefined) => {
    if (!file) return;
    try {
      const name = await keepOwnPicture(file);
      setUnreadable(false);
      savePreferences({ ownBackdrop: name });
      choose(name);
    } catch {
      setUnreadable(true);
    }
  };
  return (
    <>
      <button
        type="button"
        data-testid="backdrop-own"
        aria-pressed={chosen}
        onClick={() => (url && !chosen ? choose(own) : input.current?.click())}
      >
        {url ? (
          <img src={url} alt="" width={96} height={54} />
        ) : (
          <span className="backdrop-blurred">
            <Icon name="attach" size={22} />
          </span>
        )}
        {t('backdrop.own')}
      </button>
      <input
        ref={input}
        hidden
        type="file"
        accept="image/*"
        data-testid="backdrop-file"
        onChange={({ target }) => {
          void take(target.files?.[0]);
          // The same file may be chosen again.
          target.value = '';
        }}
      />
      {unreadable && (
        <p className="small" role="status" data-testid="backdrop-unreadable">
          {t('backdrop.unreadable')}
        </p>
      )}
    </>
  );
}
