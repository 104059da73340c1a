/** The auth service as a process. */
import { createLogger, loadConfig, runService } from '@tandem/service';
import { AuthConfig } from './config.ts';
import { createAuth } from './create-auth.ts';

const log = createLogger('auth', process.env.LOG_LEVEL || 'info');
await runService(log, async () => createAuth(loadConfig(AuthConfig), { observeProcess: true }));
