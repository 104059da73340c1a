'use client';
import { useStore } from '@tandem/react';
import { call } from '../../call/call-model.ts';
import { REACTIONS } from '../../call/types.ts';
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
          className={`floating-reaction reaction-${reaction.kind} ${reaction.count > 0 ? 'summed' : ''}`}
          data-testid="floating-reaction"
          style={{
            insetInlineStart: `${8 + (reaction.count > 0 ? REACTIONS.indexOf(reaction.kind) * 16 : (reaction.id * 37) % 60)}%`,
          }}
        >
          <Icon name={reaction.kind === 'wave' ? 'hand' : reaction.kind} size={40} />
          {/* A number that grows is not said again each time. */}
          <span className="visually-hidden">
            {reaction.count > 0
              ? t(`reaction.${reaction.kind}`)
              : t('reaction.from', {
                  name: reaction.name || t('call.guest'),
                  reaction: t(`reaction.${reaction.kind}`),
                })}
          </span>
          <bdi aria-hidden="true">{reaction.count || reaction.name}</bdi>
        </div>
      ))}
    </div>
  );
}
