/**
 * A server that speaks S3 (s3rver), with one bucket in a folder of its own. It wants a key pair that it knows, and looks at times; it compares no
 * signatures of version 4 and knows no policies.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface S3Server extends AsyncDisposable {
  /** As RECORDINGS has it. */
  readonly url: string;
  /** What a client's environment needs. */
  readonly env: Readonly<Record<string, string>>;
}

const BUCKET = 'recordings';

export async function startS3(): Promise<S3Server> {
  const directory = mkdtempSync(join(tmpdir(), 's3-'));
  const execArgv = ['--openssl-legacy-provider'];
  const child = fork(new URL('./s3-process.ts', import.meta.url), [directory, BUCKET], { execArgv });
  const [port] = (await once(child, 'message')) as [number];
  return {
    url: `s3://${BUCKET}`,
    env: {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
      AWS_REGION: 'eu-west-1',
      // The key pair that s3rver knows, by its documentation.
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
    },
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
