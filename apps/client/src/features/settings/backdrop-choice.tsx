'use client';
import '../../styles/backdrops.css';
import { useStore } from '@tandem/react';
import { useText } from '../../i18n/index.ts';
import { preferences, savePreferences } from '../../lib/preferences.ts';
import { supports } from '../../media/constraints.ts';
import { missingPicture } from '../../media/effects/backdrop.ts';
import { effectsBase } from '../../media/effects/effect.ts';
import { PICTURES, pictureOf } from '../../media/effects/pictures.ts';
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
      </div>
      {missing && missing === chosen && (
        <p className="small" role="status" data-testid="backdrop-missing">
          {t('backdrop.missing')}
        </p>
      )}
    </fieldset>
  );
}
