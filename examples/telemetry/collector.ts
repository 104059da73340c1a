/** A collector in a process of its own, so that it can be stopped and killed. */
import { startCollector } from '../../packages/service/src/testing/collector.ts';

const { url } = await startCollector();
process.send?.(url);
process.on('disconnect', () => process.exit(0));
