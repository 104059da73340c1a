/** A service that takes 5 ms of CPU for each request. With SHED=1 the load shedder of packages/service stands at its door. */
import { createServer } from 'node:http';
import { LoadShedder } from '../../packages/service/src/load-shedder.ts';

const shedder = process.env.SHED === '1' ? new LoadShedder({ maxEventLoopDelayMs: 100, sampleMs: 50 }) : undefined;

const server = createServer((_request, response) => {
  const admission = shedder?.admit();
  if (admission && !admission.admit) {
    response.writeHead(503, { 'retry-after': String(admission.retryAfter) }).end();
    return;
  }
  const end = process.cpuUsage();
  while (true) {
    const used = process.cpuUsage(end);
    if (used.user + used.system >= 5000) break;
  }
  response.end('done');
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
