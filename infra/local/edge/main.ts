import { createLogger, loadConfig, runService } from '@tandem/service';
import { EdgeConfig } from './config.ts';
import { startEdge } from './server.ts';

const log = createLogger('edge', process.env.LOG_LEVEL || 'info');
await runService(log, () => startEdge(loadConfig(EdgeConfig), log), 5_000);
