import { createLogger, loadConfig, runService } from '@tandem/service';
import { startSignaling } from './app.ts';
import { SignalingConfig } from './config.ts';

const log = createLogger('signaling', process.env.LOG_LEVEL || 'info');
await runService(log, () => startSignaling(loadConfig(SignalingConfig), { observeProcess: true }));
