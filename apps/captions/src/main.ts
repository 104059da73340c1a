/** The captions service as a process. */
import { createLogger, loadConfig, runService } from '@tandem/service';
import { createCaptions } from './app.ts';
import { CaptionsConfig } from './config.ts';

const log = createLogger('captions', process.env.LOG_LEVEL || 'info');
// A session has nothing to finish: pages come back to another task.
await runService(log, async () => createCaptions(loadConfig(CaptionsConfig), { observeProcess: true }), 20_000);
