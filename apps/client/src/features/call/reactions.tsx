'use client';
import { useStore } from '@tandem/react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';

/** Rise over the stage and are gone. */
export function Reactions() {
  const t = useText();
  const reactions = useStore(call, (s) => s.reactions);
  return (
    <div className="floating-reactions" role="log" aria-live="polite">
      {reactions.map((reaction) => (
        <div
          key={reaction.id}
          className={`floating-reaction reaction-${reaction.kind}`}
          data-testid="floating-reaction"
          style={{ insetInlineStart: `${8 + ((reaction.id * 37) % 60)}%` }}
        >
          <Icon name={reaction.kind === 'wave' ? 'hand' : reaction.kind} size={40} />
          <span className="visually-hidden">
            {t('reaction.from', {
              name: reaction.name || t('call.guest'),
              reaction: t(`reaction.${reaction.kind}`),
            })}
          </span>
          <bdi aria-hidden="true">{reaction.name}</bdi>
        </div>
      ))}
    </div>
  );
}
