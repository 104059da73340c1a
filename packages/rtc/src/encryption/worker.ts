/**
 * The worker that encrypts and decrypts frames. A page starts it from a module of its own that imports this one:
 * `new Worker(new URL('./encryption-worker.ts', import.meta.url), { type: 'module' })`.
 */
import { clearBytes, FrameDecryptor, FrameEncryptor } from './frame-cipher.ts';
import type { TransformOptions, WorkerMessage } from './frames.ts';

/** Of the specification of encoded transforms (W3C webrtc-encoded-transform); TypeScript has its types for workers only. */
interface RTCRtpScriptTransformer {
  readonly readable: ReadableStream<EncodedFrame>;
  readonly writable: WritableStream<EncodedFrame>;
  readonly options: unknown;
  sendKeyFrameRequest(): Promise<void>;
}
interface RTCTransformEvent extends Event {
  readonly transformer: RTCRtpScriptTransformer;
}
type EncodedFrame = RTCEncodedVideoFrame | RTCEncodedAudioFrame;

const decryptor = new FrameDecryptor();
let encryptor: Promise<FrameEncryptor> | undefined;
/** Whose frames each receiver has to bring. */
const owners = new Map<number, string>();
/** Receivers of pictures that could not be read: each needs a keyframe once there is a key. */
const unread = new Set<RTCRtpScriptTransformer>();

async function seal(frame: EncodedFrame): Promise<boolean> {
  // Without a key nothing leaves.
  if (!encryptor) return false;
  const type = 'type' in frame ? frame.type : undefined;
  const sealed = await (await encryptor).encrypt(new Uint8Array(frame.data), clearBytes(type));
  frame.data = sealed.buffer;
  return true;
}

async function open(frame: EncodedFrame, transformer: RTCRtpScriptTransformer, receiver: number): Promise<boolean> {
  const owner = owners.get(receiver);
  const plain = owner !== undefined && (await decryptor.decrypt(owner, new Uint8Array(frame.data)));
  if (plain) {
    frame.data = plain.buffer;
    return true;
  }
  if ('type' in frame) unread.add(transformer);
  return false;
}

async function run(transformer: RTCRtpScriptTransformer): Promise<void> {
  const options = transformer.options as TransformOptions;
  const pass = new TransformStream<EncodedFrame, EncodedFrame>({
    async transform(frame, controller) {
      const good = await (options.side === 'send' ? seal(frame) : open(frame, transformer, options.receiver));
      if (good) controller.enqueue(frame);
    },
  });
  try {
    await transformer.readable.pipeThrough(pass).pipeTo(transformer.writable);
  } finally {
    unread.delete(transformer);
    if (options.side === 'receive') owners.delete(options.receiver);
  }
}

/** Until the next keyframe a picture that could not be read stays as it is. */
function askForPictures(): void {
  for (const transformer of unread) transformer.sendKeyFrameRequest().catch(() => {});
  unread.clear();
}

self.addEventListener('rtctransform', (event) => {
  // The connection was closed: its streams end, also with an error.
  run((event as RTCTransformEvent).transformer).catch(() => {});
});

self.addEventListener('message', ({ data }: MessageEvent<WorkerMessage>) => {
  switch (data.type) {
    case 'send-with':
      encryptor = FrameEncryptor.create(data.key);
      break;
    case 'receive-with':
      decryptor.add(data.owner, data.key);
      askForPictures();
      break;
    case 'forget':
      decryptor.forget(data.owner);
      break;
    case 'expect':
      owners.set(data.receiver, data.owner);
      askForPictures();
      break;
    default:
      data satisfies never;
  }
});
