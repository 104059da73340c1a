/** The page of a visit: a link in the fragment, a token from the backend, a call. */
import { Call, type IceServersAnswer, SignalingSession } from '@tandem/rtc';
import type { VisitSession } from './backend.ts';

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const link = location.hash.slice(1);
const [status, join, end] = [byId('status'), byId<HTMLButtonElement>('join'), byId<HTMLButtonElement>('end')];
const say = (text: string) => {
  status.textContent = text;
};

async function ask<T>(path: string): Promise<T> {
  const answer = await fetch(path, { method: 'POST', body: link });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  return body;
}

async function start(): Promise<void> {
  join.disabled = true;
  let visit = await ask<VisitSession>('/api/session');
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  byId<HTMLVideoElement>('mine').srcObject = stream;
  const session = new SignalingSession({
    url: visit.url,
    getToken: async ({ refresh }) => {
      if (refresh) visit = await ask<VisitSession>('/api/session');
      return visit.token;
    },
  });
  const call = new Call({
    session,
    ...{ roomId: visit.roomId, stream, metadata: { name: visit.role === 'doctor' ? 'Your doctor' : 'Your patient' } },
    getIceServers: async () => visit.iceServers as IceServersAnswer,
  });
  call.on('peer-added', ({ peer }) => {
    byId<HTMLVideoElement>('theirs').srcObject = peer.stream;
    say(`With ${peer.name.toLowerCase()}`);
  });
  const stopWaiting = call.on('peer-removed', () => say('Waiting for the other side'));
  const leave = (reason: string) => {
    for (const track of stream.getTracks()) track.stop();
    end.hidden = true;
    // With the own end all others go as well: that is no waiting.
    stopWaiting();
    say(reason);
  };
  session.on('kicked', ({ reason }) => leave(reason));
  session.on('state', ({ state, reason }) => {
    if (state === 'closed' && reason === 'roomClosed') leave('The visit is over.');
  });
  end.hidden = visit.role !== 'doctor';
  end.onclick = () => void ask('/api/end').catch((error: Error) => say(error.message));
  say('Waiting for the other side');
  await call.join();
}

join.onclick = () =>
  void start().catch((error: { code?: string; message: string }) => {
    join.disabled = false;
    say(error.code === 'room_full' ? 'Both are in the visit already.' : error.message);
  });
