import { createLogger, loadConfig, runService } from '@tandem/service';
import { startSignaling } from './app.ts';
import { SignalingConfig } from './config.ts';
import { untilTaskLeaves } from './ecs-task.ts';

const log = createLogger('signaling', process.env.LOG_LEVEL || 'info');
const start = () => startSignaling(loadConfig(SignalingConfig), { observeProcess: true });
const leaves = () =>
  untilTaskLeaves(log, {
    metadataUri: process.env.ECS_CONTAINER_METADATA_URI_V4,
    delaySeconds: loadConfig(SignalingConfig).DEREGISTRATION_SECONDS,
  });
await runService(log, start, undefined, leaves);
