import type { Store } from '@tandem/react';
import type { SignalingSession } from '@tandem/rtc';
import { Encryption } from '@tandem/rtc/encryption';
import { effectsBase } from '../media/effects/effect.ts';
import type { CallModelState } from './types.ts';

/** Why there is no encrypted call: `code` is as the SDK's errors have it. */
class EncryptError extends Error {
  readonly code: 'broken_link' | 'cannot_encrypt';

  constructor(cause: unknown) {
    super(String(cause), { cause });
    this.code = cause instanceof RangeError ? 'broken_link' : 'cannot_encrypt';
  }
}

interface EncryptOptions {
  readonly session: SignalingSession;
  readonly roomId: string;
  readonly secret: string;
  readonly state: Store<CallModelState>;
  /** The worker did not load or broke: nothing is seen or heard any more. */
  readonly broken: () => void;
}

/** The keys of a call. What the page shows of them follows in `state`. @throws EncryptError */
export async function encryptCall({ session, roomId, secret, state, broken }: EncryptOptions): Promise<Encryption> {
  const worker = new Worker(`${effectsBase}/encryption-worker.js`);
  worker.onerror = broken;
  try {
    const encryption = await Encryption.create({ session, roomId, secret, worker });
    let asked = 0;
    const show = async () => {
      const ask = ++asked;
      const safetyNumber = await encryption.safetyNumber();
      // Of an earlier call, or overtaken by a later answer.
      if (ask !== asked || session.state === 'closed') return;
      const withoutKey = new Set([...session.peers.keys()].filter((id) => encryption.trust(id) === 'without-key'));
      state.set({ withoutKey, safetyNumber });
    };
    encryption.on('changed', () => void show());
    await show();
    return encryption;
  } catch (error) {
    worker.terminate();
    throw new EncryptError(error);
  }
}
