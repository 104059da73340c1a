'use client';
import { useStore } from '@tandem/react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { isAddresseeGone } from '../../call/permitted.ts';
import { chatWait, isSlow, SLOW_MS } from '../../call/sender-pace.ts';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';
import { Select } from '../../ui/select.tsx';

/** What to say, to whom, and files. Pasting a file sends it, as dropping one does. */
export function ChatForm() {
  const t = useText();
  const { text } = useStore(call, (s) => s.draft);
  const gone = useStore(call, isAddresseeGone);
  const input = useRef<HTMLInputElement>(null);
  const { slow, waiting } = usePace();
  useEffect(() => input.current?.focus(), []);

  function send(event: FormEvent) {
    event.preventDefault();
    // What was written meanwhile stays.
    call.sendDraft();
  }

  return (
    <form className="chat-form" onSubmit={send}>
      {slow && (
        <p className="soft small chat-slow" data-testid="chat-slow">
          {t('chat.slow', { count: SLOW_MS / 1000 })}
        </p>
      )}
      <Addressee gone={gone} />
      <AttachButton gone={gone} />
      <input
        ref={input}
        className="input"
        data-testid="chat-input"
        value={text}
        onChange={(event) => call.write({ text: event.target.value })}
        onPaste={(event) => {
          const files = [...event.clipboardData.files];
          if (files.length > 0) event.preventDefault();
          for (const file of files) void call.sendFile(file);
        }}
        placeholder={t('chat.placeholder')}
        aria-label={t('chat.placeholder')}
        maxLength={2000}
        autoComplete="off"
        dir="auto"
      />
      <button
        type="submit"
        className="icon-button send"
        aria-label={t('chat.send')}
        disabled={!text.trim() || waiting || gone}
      >
        <span className="flip">
          <Icon name="send" />
        </span>
      </button>
    </form>
  );
}

/** In a large room a line has to wait for the one before, also when the chat was closed meanwhile. */
function usePace() {
  const slow = useStore(call, (s) => isSlow(s) && !s.moderator);
  const sentAt = useStore(call, (s) => s.draft.sentAt);
  const [waiting, setWaiting] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: both change how long.
  useEffect(() => {
    const wait = chatWait(call.get(), performance.now());
    setWaiting(wait > 0);
    if (wait === 0) return;
    const timer = setTimeout(() => setWaiting(false), wait);
    return () => clearTimeout(timer);
  }, [slow, sentAt]);
  return { slow, waiting };
}

/** Shown with two others or more, as with one every line is private; and until another is chosen for who has left. */
function Addressee({ gone }: { gone: boolean }) {
  const t = useText();
  const peers = useStore(call, (s) => s.peers);
  const { to } = useStore(call, (s) => s.draft);
  if (peers.length < 2 && !gone) return null;
  const toWhom = ({ name }: { name: string }) => t('chat.onlyTo', { name: name || t('call.guest') });
  return (
    <>
      {gone && (
        <p className="small chat-gone" role="alert" data-testid="chat-gone">
          {t('chat.gone', { name: to?.name || t('call.guest') })}
        </p>
      )}
      <div className="chat-to">
        <Select
          data-testid="chat-to"
          aria-label={t('chat.to')}
          value={to?.id ?? ''}
          onChange={({ target }) => {
            const chosen = peers.find(({ id }) => id === target.value);
            call.write({ to: chosen && { id: chosen.id, name: chosen.name } });
          }}
        >
          <option value="">{t('chat.toAll')}</option>
          {gone && to && <option value={to.id}>{toWhom(to)}</option>}
          {peers.map((peer) => (
            <option key={peer.id} value={peer.id}>
              {toWhom(peer)}
            </option>
          ))}
        </Select>
      </div>
    </>
  );
}

function AttachButton({ gone }: { gone: boolean }) {
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
        disabled={alone || gone}
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
          for (const file of files ?? []) void call.sendFile(file);
          event.target.value = '';
        }}
      />
    </>
  );
}
