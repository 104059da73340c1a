/** What calls put on a signaling relay: session descriptions of 3 KB and candidates of 180 B, 1:1:10. */

const LINES = [
  'a=rtpmap:96 VP8/90000',
  'a=rtcp-fb:96 goog-remb',
  'a=rtcp-fb:96 transport-cc',
  'a=rtcp-fb:96 ccm fir',
  'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'a=fmtp:97 apt=96',
  'a=ssrc:2231627014 cname:8jv0x2Wq1yqKc1Qm',
];

function sessionDescription(type: string, bytes: number): object {
  const build = (sdp: string) => ({ type, sdp });
  let sdp = 'v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n';
  for (let i = 0; JSON.stringify(build(sdp)).length < bytes; i++) sdp += `${LINES[i % LINES.length]}\r\n`;
  return build(sdp);
}

const CANDIDATE = {
  candidate: 'candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.17 rport 46154',
  sdpMid: '0',
};

export interface Payload {
  readonly type: 'offer' | 'answer' | 'ice-candidate';
  readonly field: 'sdp' | 'candidate';
  readonly value: object;
}

const OFFER: Payload = { type: 'offer', field: 'sdp', value: sessionDescription('offer', 2900) };
const ANSWER: Payload = { type: 'answer', field: 'sdp', value: sessionDescription('answer', 2900) };
const TRICKLE: Payload = { type: 'ice-candidate', field: 'candidate', value: CANDIDATE };
const five = Array.from({ length: 5 }, () => TRICKLE);

/** One round of twelve, repeated. */
export const CYCLE: readonly Payload[] = [OFFER, ...five, ANSWER, ...five];
