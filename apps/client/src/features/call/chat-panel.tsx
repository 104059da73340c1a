'use client';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useLanguage, useText } from '../../i18n/index.ts';
import { timeOfDay } from '../../lib/format.ts';
import { useStore } from '../../lib/store.ts';
import { Icon } from '../../ui/icons.tsx';

/** Lines of one person within this time, ms, share a name and a time. */
const FOLLOWS_MS = 120_000;

export function ChatPanel() {
  const t = useText();
  const language = useLanguage();
  const lines = useStore(call, (s) => s.chat);
  const [text, setText] = useState('');
  const list = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: scroll when a line comes.
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [lines]);
  useEffect(() => input.current?.focus(), []);

  function send(event: FormEvent) {
    event.preventDefault();
    call.sendChat(text);
    setText('');
  }

  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard. */}
      <div ref={list} className="panel-scroll chat" role="log" aria-label={t('chat.title')} tabIndex={0}>
        {lines.length === 0 && <p className="soft chat-empty">{t('chat.empty')}</p>}
        {lines.map((line, index) => {
          const previous = lines[index - 1];
          const follows = previous && previous.peerId === line.peerId && line.shownAt - previous.shownAt < FOLLOWS_MS;
          return (
            <div
              key={`${line.peerId} ${line.id}`}
              className={`chat-line ${line.mine ? 'mine' : ''} ${follows ? 'follows' : ''}`}
            >
              {!follows && (
                <p className="chat-who">
                  <b>
                    <bdi>{line.mine ? t('call.you') : line.name || t('call.guest')}</bdi>
                  </b>
                  <time dateTime={new Date(line.shownAt).toISOString()}>{timeOfDay(line.shownAt, language)}</time>
                </p>
              )}
              <p className="chat-text" dir="auto" data-testid="chat-line">
                {line.text}
              </p>
            </div>
          );
        })}
      </div>
      <form className="chat-form" onSubmit={send}>
        <input
          ref={input}
          className="input"
          data-testid="chat-input"
          value={text}
          onChange={(event) => setText(event.target.value)}
          placeholder={t('chat.placeholder')}
          aria-label={t('chat.placeholder')}
          maxLength={2000}
          autoComplete="off"
          dir="auto"
        />
        <button type="submit" className="icon-button send" aria-label={t('chat.send')} disabled={!text.trim()}>
          <span className="flip">
            <Icon name="send" />
          </span>
        </button>
      </form>
    </>
  );
}
