/** A service that takes 5 ms of CPU for each request. With SHED=1 the load shedder of packages/service decides before each. */
import { createServer } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { LoadShedder } from '../../packages/service/src/load-shedder.ts';

let inside = 0;
/** 40 inside at 5 ms each are answered after 200 ms, within the deadline. */
const shedder =
  process.env.SHED === '1' ? new LoadShedder({ connections: () => inside, maxConnections: 40 }) : undefined;

/** Five steps of 1 ms with a wait between them, as a request that asks a database: those inside share the CPU. */
async function work(): Promise<void> {
  for (let step = 0; step < 5; step++) {
    const since = process.cpuUsage();
    for (let used = { user: 0, system: 0 }; used.user + used.system < 1000; ) used = process.cpuUsage(since);
    await turn();
  }
}

const server = createServer((request, response) => {
  if (request.url === '/warm') {
    response.end();
    return;
  }
  const admission = shedder?.admit();
  if (admission && !admission.admit) {
    response.writeHead(503, { 'retry-after': String(admission.retryAfter) }).end();
    return;
  }
  inside++;
  void work().then(() => {
    inside--;
    response.end('done');
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
