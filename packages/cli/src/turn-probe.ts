/** Does a TURN server answer? Asks for an allocation without credentials; a TURN server refuses that with 401 (RFC 8656 section 7.2). */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect as connectTcp, isIP, isIPv6 } from 'node:net';
import { connect as connectTls } from 'node:tls';

const MAGIC_COOKIE = 0x2112a442;
const ALLOCATE = 0x0003;
const ALLOCATE_ERROR = 0x0113;
const [ERROR_CODE, REQUESTED_TRANSPORT] = [0x0009, 0x0019];
const UDP = 17;
/** First retransmission, ms (RFC 8489 section 6.2.1). */
const FIRST_REPEAT_MS = 500;

/** A `turn:` or `turns:` URI (RFC 7065). */
export interface TurnUri {
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
}

export function parseTurnUri(uri: string): TurnUri | undefined {
  const [, scheme, bracketed, plain, port, transport] =
    /^(turns?):(?:\[([^\]]+)\]|([^:?]+))(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i.exec(uri) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) return undefined;
  const isSecure = scheme?.toLowerCase() === 'turns';
  // DTLS (`turns:` over UDP) is what no browser of today uses.
  if (isSecure && transport?.toLowerCase() === 'udp') return undefined;
  const kind = isSecure ? 'tls' : transport?.toLowerCase() === 'tcp' ? 'tcp' : 'udp';
  return { host, port: Number(port ?? (isSecure ? 5349 : 3478)), transport: kind };
}

/** @throws Error when it does not answer as a TURN server does within `timeoutMs` */
export async function probeTurn(uri: TurnUri, timeoutMs: number): Promise<void> {
  const transaction = randomBytes(12);
  const code = errorCodeOf(await exchange(uri, requestOf(transaction), timeoutMs), transaction);
  if (code !== 401)
    throw new Error(`answers ${code ?? 'something else'}; a TURN server would ask for credentials (401)`);
}

function requestOf(transaction: Buffer): Buffer {
  const request = Buffer.alloc(28);
  request.writeUInt16BE(ALLOCATE, 0);
  request.writeUInt16BE(8, 2);
  request.writeUInt32BE(MAGIC_COOKIE, 4);
  transaction.copy(request, 8);
  request.writeUInt16BE(REQUESTED_TRANSPORT, 20);
  request.writeUInt16BE(4, 22);
  request.writeUInt8(UDP, 24);
  return request;
}

/** Of an error answer to that request; undefined: it is none. */
function errorCodeOf(answer: Buffer, transaction: Buffer): number | undefined {
  if (answer.length < 20 || answer.readUInt16BE(0) !== ALLOCATE_ERROR) return undefined;
  if (!answer.subarray(8, 20).equals(transaction)) return undefined;
  for (let at = 20; at + 4 <= answer.length; ) {
    const length = answer.readUInt16BE(at + 2);
    if (answer.readUInt16BE(at) === ERROR_CODE && length >= 4 && at + 8 <= answer.length)
      return (answer.readUInt8(at + 6) & 7) * 100 + answer.readUInt8(at + 7);
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return undefined;
}

function exchange({ host, port, transport }: TurnUri, request: Buffer, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const ends: (() => void)[] = [];
    const finish = (done: () => void) => {
      for (const end of ends.splice(0)) end();
      done();
    };
    const fail = (error: Error) => finish(() => reject(error));
    const succeed = (answer: Buffer) => finish(() => resolve(answer));
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    ends.push(() => clearTimeout(timer));
    if (transport === 'udp') {
      const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4', succeed).on('error', fail);
      ends.push(() => socket.close());
      // A connected socket drops what others send to its port.
      socket.once('connect', () => {
        const ask = () => socket.send(request);
        const repeat = setInterval(ask, FIRST_REPEAT_MS);
        ends.push(() => clearInterval(repeat));
        ask();
      });
      socket.connect(port, host);
    } else {
      const socket =
        transport === 'tls'
          ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }) })
          : connectTcp({ host, port });
      let read = Buffer.alloc(0);
      socket.once(transport === 'tls' ? 'secureConnect' : 'connect', () => socket.write(request));
      socket.on('data', (chunk: Buffer) => {
        read = Buffer.concat([read, chunk]);
        if (read.length >= 20 && read.length >= 20 + read.readUInt16BE(2)) succeed(read);
      });
      socket.once('error', fail).once('end', () => fail(new Error('closed the connection without an answer')));
      ends.push(() => socket.destroy());
    }
  });
}
