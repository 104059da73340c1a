'use client';
import { useStore } from '@tandem/react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { isSlow, SLOW_MS } from '../../call/chat-pace.ts';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';
import { Select } from '../../ui/select.tsx';

interface ChatFormProps {
  /** One person; undefined: everybody. */
  readonly to: string | undefined;
  readonly onTo: (to: string | undefined) => void;
}

/** What to say, to whom, and files. Pasting a file sends it, as dropping one does. */
export function ChatForm({ to, onTo }: ChatFormProps) {
  const t = useText();
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const { slow, waiting, wrote } = usePace();
  useEffect(() => input.current?.focus(), []);

  function send(event: FormEvent) {
    event.preventDefault();
    // What was written meanwhile stays.
    if (waiting) return;
    call.sendChat(text, to);
    setText('');
    if (text.trim()) wrote();
  }

  return (
    <form className="chat-form" onSubmit={send}>
      {slow && (
        <p className="soft small chat-slow" data-testid="chat-slow">
          {t('chat.slow', { count: SLOW_MS / 1000 })}
        </p>
      )}
      <Addressee to={to} onTo={onTo} />
      <AttachButton to={to} />
      <input
        ref={input}
        className="input"
        data-testid="chat-input"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onPaste={(event) => {
          const files = [...event.clipboardData.files];
          if (files.length > 0) event.preventDefault();
          for (const file of files) void call.sendFile(file, to);
        }}
        placeholder={t('chat.placeholder')}
        aria-label={t('chat.placeholder')}
        maxLength={2000}
        autoComplete="off"
        dir="auto"
      />
      <button type="submit" className="icon-button send" aria-label={t('chat.send')} disabled={!text.trim() || waiting}>
        <span className="flip">
          <Icon name="send" />
        </span>
      </button>
    </form>
  );
}

/** In a large room a line has to wait for the one before. */
function usePace() {
  const slow = useStore(call, (s) => isSlow(s) && !s.moderator);
  const [waiting, setWaiting] = useState(false);
  useEffect(() => {
    if (!waiting) return;
    const timer = setTimeout(() => setWaiting(false), SLOW_MS);
    return () => clearTimeout(timer);
  }, [waiting]);
  return { slow, waiting: slow && waiting, wrote: () => setWaiting(true) };
}

/** Shown with two others or more: with one, every line is private. */
function Addressee({ to, onTo }: ChatFormProps) {
  const t = useText();
  const peers = useStore(call, (s) => s.peers);
  const gone = to !== undefined && !peers.some(({ id }) => id === to);
  useEffect(() => {
    if (gone) onTo(undefined);
  }, [gone, onTo]);
  if (peers.length < 2) return null;
  return (
    <div className="chat-to">
      <Select
        data-testid="chat-to"
        aria-label={t('chat.to')}
        value={to ?? ''}
        onChange={(event) => onTo(event.target.value || undefined)}
      >
        <option value="">{t('chat.toAll')}</option>
        {peers.map(({ id, name }) => (
          <option key={id} value={id}>
            {t('chat.onlyTo', { name: name || t('call.guest') })}
          </option>
        ))}
      </Select>
    </div>
  );
}

function AttachButton({ to }: { to: string | undefined }) {
  const t = useText();
  const picker = useRef<HTMLInputElement>(null);
  const alone = useStore(call, (s) => s.peers.length === 0);
  return (
    <>
      <button
        type="button"
        className="icon-button"
        data-testid="attach"
        aria-label={t('chat.attach')}
        title={t('chat.attach')}
        disabled={alone}
        onClick={() => picker.current?.click()}
      >
        <Icon name="attach" />
      </button>
      <input
        ref={picker}
        type="file"
        hidden
        data-testid="file-picker"
        onChange={(event) => {
          const { files } = event.target;
          for (const file of files ?? []) void call.sendFile(file, to);
          event.target.value = '';
        }}
      />
    </>
  );
}
