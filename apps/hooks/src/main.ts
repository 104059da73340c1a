/** The hooks service as a process. */
import { createLogger, loadConfig, runService } from '@tandem/service';
import { createHooks } from './app.ts';
import { HooksConfig } from './config.ts';

const log = createLogger('hooks', process.env.LOG_LEVEL || 'info');
await runService(log, async () => createHooks(loadConfig(HooksConfig), { observeProcess: true }));
