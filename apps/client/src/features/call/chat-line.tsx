'use client';
import type { ChatLine } from '../../call/types.ts';
import { useLanguage, useText } from '../../i18n/index.ts';
import { fileSize, timeOfDay } from '../../lib/format.ts';
import { splitLinks } from '../../lib/links.ts';
import { Icon } from '../../ui/icons.tsx';

interface ChatLineProps {
  readonly line: ChatLine;
  /** The line before it has the same name and about the same time. */
  readonly follows: boolean;
  /** Said once above lines that came before me. */
  readonly heading?: string;
}

export function ChatLineView({ line, follows, heading }: ChatLineProps) {
  const t = useText();
  const language = useLanguage();
  const { mine, only } = line;
  return (
    <>
      {heading && <p className="chat-before soft small">{heading}</p>}
      <div
        className={['chat-line', mine && 'mine', follows && 'follows', line.by !== undefined && 'told']
          .filter(Boolean)
          .join(' ')}
      >
        {!follows && (
          <p className="chat-who">
            <b>
              <bdi>{mine ? t('call.you') : line.name || t('call.guest')}</bdi>
            </b>
            {line.host && <span className="chat-host">{t('host.moderates')}</span>}
            <time dateTime={new Date(line.shownAt).toISOString()}>{timeOfDay(line.shownAt, language)}</time>
            {only && (
              <span className="chat-only">
                {mine ? t('chat.onlyTo', { name: only.name || t('call.guest') }) : t('chat.onlyYou')}
              </span>
            )}
          </p>
        )}
        {line.file ? (
          <a className="chat-text chat-file" href={line.file.url} download={line.file.name} data-testid="chat-file">
            <Icon name="file" size={20} />
            <bdi>{line.file.name}</bdi>
            <span className="small">{fileSize(line.file.size, language)}</span>
          </a>
        ) : (
          <p className="chat-text" dir="auto" data-testid="chat-line">
            <Linked text={line.text} />
          </p>
        )}
      </div>
    </>
  );
}

/** A text whose web addresses can be followed, in a tab of their own that learns nothing of this one. */
function Linked({ text }: { text: string }) {
  return splitLinks(text).map(({ text: part, href }, index) =>
    href ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one line never change.
      <a key={index} href={href} target="_blank" rel="noopener noreferrer nofollow ugc" dir="ltr">
        {part}
      </a>
    ) : (
      part
    ),
  );
}
