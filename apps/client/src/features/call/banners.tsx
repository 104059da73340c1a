'use client';
import { useStore } from '@tandem/react';
import { type ReactNode, useEffect, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon, type IconName } from '../../ui/icons.tsx';
import { BlurDecision } from '../settings/blur-decision.tsx';
import { useHealthWords } from './connection-summary.tsx';
import { admit, useWaiting, useWaitingSound } from './waiting-people.tsx';

/** A media node that is there comes within this time, ms (S-123: 4 s, and the next one the same). */
const UNSERVED_MS = 10_000;

/** What the call has to say about itself: above the stage, which makes room for it; one at a time, in order of weight. */
export function Banner() {
  return <div role="status">{useContent()}</div>;
}

function useContent(): ReactNode {
  const t = useText();
  const network = useStore(call, (s) => s.network);
  const soundBlocked = useStore(call, (s) => s.soundBlocked);
  const talkingMuted = useStore(call, (s) => s.talkingMuted);
  const weak = useStore(call, (s) => s.health.grade === 'poor' && s.health.fault !== 'theirs');
  const offer = useStore(call, (s) => s.offer?.label);
  const problem = useStore(localMedia, (s) => s.problem);
  const blurFailed = useStore(localMedia, (s) => s.blurFailed);
  const entryRequests = useStore(call, (s) => (s.panel === 'people' ? 0 : (s.roomEntry?.waiting.length ?? 0)));
  const invited = useStore(call, (s) => s.invited);
  const unserved = useUnserved();
  useWaitingSound();
  if (network !== 'online') return <NetworkBanner network={network} />;
  if (invited) return <InvitedBanner />;
  if (unserved) return <Line icon="alert" words={t('audience.unserved')} testId="unserved" warn />;
  if (soundBlocked) return <SoundBanner />;
  if (entryRequests > 0) return <WaitingBanner />;
  if (talkingMuted) return <TalkingBanner />;
  if (blurFailed) return <BlurBanner />;
  if (offer !== undefined) return <OfferBanner label={offer} />;
  if (weak) return <QualityBanner />;
  if (problem && problem !== 'none') return <DeviceBanner problem={problem} />;
  return null;
}

/** Who watches gets everything from a media node: without one nothing comes, however long they wait. */
function useUnserved(): boolean {
  const waits = useStore(
    call,
    (s) =>
      s.watching && s.peers.some((p) => !p.audience) && s.peers.every((p) => p.audience || p.state !== 'connected'),
  );
  const [long, setLong] = useState(false);
  useEffect(() => {
    if (!waits) return;
    const timer = setTimeout(() => setLong(true), UNSERVED_MS);
    return () => {
      clearTimeout(timer);
      setLong(false);
    };
  }, [waits]);
  return waits && long;
}

function Line(props: { icon: IconName; words: ReactNode; testId?: string; warn?: boolean; children?: ReactNode }) {
  return (
    <div className={`banner ${props.warn ? 'warn' : ''}`} data-testid={props.testId}>
      <Icon name={props.icon} size={20} />
      <span>{props.words}</span>
      {props.children}
    </div>
  );
}

function Action(props: { label: string; testId?: string; primary?: boolean; onClick: () => void }) {
  const { label, testId, primary, onClick } = props;
  return (
    <button
      type="button"
      className={`button compact ${primary ? 'primary' : ''}`}
      data-testid={testId}
      onClick={onClick}
    >
      {label}
    </button>
  );
}

function NetworkBanner({ network }: { network: 'offline' | 'reconnecting' }) {
  const t = useText();
  return (
    <div className="banner warn" data-testid="network-banner">
      <span className="spinner" aria-hidden="true" />
      <span>{t(network === 'offline' ? 'call.offline' : 'call.reconnecting')}</span>
    </div>
  );
}

/** A moderator lets me speak; nothing of me is sent before I have looked at myself and said so. */
function InvitedBanner() {
  const t = useText();
  return (
    <Line icon="mic" words={t('audience.invited')} testId="invited">
      <Action primary label={t('audience.accept')} testId="accept-invite" onClick={() => call.rehearse()} />
      <Action label={t('audience.decline')} testId="decline-invite" onClick={() => void call.declineInvite()} />
    </Line>
  );
}

function SoundBanner() {
  const t = useText();
  return (
    <Line icon="speaker" words={t('call.soundBlocked')}>
      <Action label={t('call.soundStart')} onClick={() => call.set({ soundBlocked: false })} />
    </Line>
  );
}

/** Somebody waits to be let in; the list of people says the same while it is open. */
function WaitingBanner() {
  const t = useText();
  const waiting = useWaiting();
  const [first] = waiting;
  if (!first) return null;
  const words =
    waiting.length === 1 ? t('host.asks', { name: first.name }) : t('host.waiting', { count: waiting.length });
  return (
    <Line icon="person-add" words={words} testId="waiting-banner">
      {waiting.length === 1 && <Action label={t('host.admit')} onClick={() => admit([first.id])} />}
      <Action label={t('host.see')} onClick={() => call.showPanel('people')} />
    </Line>
  );
}

function TalkingBanner() {
  const t = useText();
  return (
    <Line icon="mic-off" words={t('call.talkingMuted')} testId="talking-muted">
      <Action label={t('call.unmute')} onClick={() => void localMedia.setMuted(false)} />
    </Line>
  );
}

function BlurBanner() {
  const t = useText();
  return (
    <Line icon="cam-off" words={t('media.blurFailed')} testId="blur-banner">
      <BlurDecision />
    </Line>
  );
}

/** Nothing switches by itself: a headset that is charged, or a monitor with a microphone, is plugged in too. */
function OfferBanner({ label }: { label: string }) {
  const t = useText();
  return (
    <Line icon="speaker" words={t('media.offer', { device: label })} testId="device-offer">
      <Action label={t('media.use')} onClick={() => call.takeOffer()} />
      <Action label={t('media.keep')} onClick={() => call.set({ offer: undefined })} />
    </Line>
  );
}

function QualityBanner() {
  const t = useText();
  const incoming = useStore(call, (s) => s.incoming);
  const { title, reasons } = useHealthWords();
  return (
    <Line icon="signal" warn testId="quality-banner" words={`${title} ${reasons[0] ?? ''}`}>
      {incoming !== 'off' && <Action label={t('quality.incomingOff')} onClick={() => call.setIncoming('off')} />}
      <Action label={t('quality.details')} onClick={() => call.showPanel('stats')} />
    </Line>
  );
}

function DeviceBanner({ problem }: { problem: NonNullable<ReturnType<typeof localMedia.get>['problem']> }) {
  const t = useText();
  return (
    <Line icon="alert" words={t(`permission.${problem}Title`)} testId="device-banner">
      <Action label={t('permission.again')} onClick={() => void localMedia.start()} />
    </Line>
  );
}
