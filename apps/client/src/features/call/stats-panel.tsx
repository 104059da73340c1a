'use client';
import type { PeerView } from '@tandem/react';
import { useStore } from '@tandem/react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { ConnectionSummary } from './connection-summary.tsx';
import { Plot } from './plot.tsx';

/** The connection in words and what helps, then in figures and plots, person by person. */
export function StatsPanel() {
  const t = useText();
  const peers = useStore(call, (s) => s.peers);
  return (
    <div className="panel-scroll stats" data-testid="stats-panel">
      <ConnectionSummary />
      {peers.map((peer) => (
        <PeerStats key={peer.id} peer={peer} />
      ))}
      {peers.length === 0 && <p className="soft small">{t('stats.empty')}</p>}
    </div>
  );
}

function PeerStats({ peer }: { peer: PeerView }) {
  const t = useText();
  const samples = call.history.recent(peer.id);
  const { quality } = peer;
  const path = quality?.path;
  const picture = quality?.in.video;
  return (
    <section className="stats-peer">
      <h3>
        <bdi>{peer.name || t('call.guest')}</bdi>
      </h3>
      <div className="plots">
        <Plot label={t('stats.in')} unit="kbit/s" values={samples.map((s) => s.in)} floor={200} />
        <Plot label={t('stats.out')} unit="kbit/s" values={samples.map((s) => s.out)} floor={200} />
        <Plot label={t('stats.rtt')} unit="ms" values={samples.map((s) => s.rtt)} floor={50} />
        <Plot label={t('stats.loss')} unit="%" values={samples.map((s) => s.loss)} floor={5} digits={1} />
        <Plot label={t('stats.jitter')} unit="ms" values={samples.map((s) => s.jitter)} floor={20} digits={1} />
        <Plot label={t('stats.score')} unit="MOS" values={samples.map((s) => s.mos)} floor={4.5} digits={2} />
      </div>
      <dl className="facts">
        {path && (
          <div>
            <dt>{t('stats.path')}</dt>
            <dd>
              {path.relayed ? t('stats.relay') : t('stats.direct')}{' '}
              <span dir="ltr">
                ({[path.local, path.remote].join(' → ')}, {path.relayProtocol ?? path.protocol})
              </span>
            </dd>
          </div>
        )}
        {picture?.width && (
          <div>
            <dt>{t('stats.video')}</dt>
            <dd dir="ltr">
              {picture.width} × {picture.height}, {picture.fps} fps
            </dd>
          </div>
        )}
        {peer.setup !== undefined && (
          <div>
            <dt>{t('stats.setup')}</dt>
            <dd dir="ltr">{Math.round(peer.setup)} ms</dd>
          </div>
        )}
      </dl>
    </section>
  );
}
