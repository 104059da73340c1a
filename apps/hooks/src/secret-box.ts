/** Signing secrets of endpoints, encrypted with WEBHOOK_KEY (AES-256-GCM), as they lie in Redis. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const TAG_BYTES = 16;
const IV_BYTES = 12;
/** Opened texts that are kept: over what a deployment has endpoints and secrets in rotation. */
const MOST_OPEN = 256;

export class SecretBox {
  readonly #key: Buffer;
  /** What was opened lately, as it is needed for each event; by what it belongs to and the box. */
  readonly #open = new Map<string, string>();
  /** @param key 32 bytes in base64url */
  constructor(key: string) {
    this.#key = Buffer.from(key, 'base64url');
  }

  /** @param of what the text belongs to: it opens as nothing else's */
  close(text: string, of: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(Buffer.from(of));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** @throws Error when it was closed with another key, or belongs to something else */
  open(box: string, of: string): string {
    const name = `${of} ${box}`;
    const text = this.#open.get(name) ?? this.#decrypt(box, of);
    if (this.#open.size >= MOST_OPEN) this.#open.clear();
    this.#open.set(name, text);
    return text;
  }

  #decrypt(box: string, of: string): string {
    const bytes = Buffer.from(box, 'base64url');
    const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(of)).setAuthTag(tag);
    return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  }
}
