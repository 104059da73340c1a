/** Pocketsphinx behind the protocol of vosk-server, in a container: scripts/test-containers.mjs makes its image. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { startPocketsphinx } from '../support/speech.ts';

const { VOSK_SERVER_INTERFACE: host = '0.0.0.0', VOSK_SERVER_PORT: port } = process.env;
await startPocketsphinx(mkdtempSync(join('/tmp', 'speech-')), { host, port: Number(port) });
process.on('SIGTERM', () => process.exit());
