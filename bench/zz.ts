import { connectAll, tandem, wsJson } from '/work/main/bench/lib/systems.ts';
import { startBenchRedis } from '/work/main/bench/lib/redis.ts';
import { pinSelf } from '/work/main/bench/lib/proc.ts';
import { readdirSync, readFileSync } from 'node:fs';
pinSelf();
const mode = process.argv[2]; const total = Number(process.argv[3] ?? 5000); const prof = process.argv[4];
const redis = mode === 'redis' ? await startBenchRedis() : undefined;
const start = prof ? { nodeArgs: ['--cpu-prof', '--cpu-prof-interval', '200', `--cpu-prof-dir=${prof}`] } : {};
const sys = mode === 'ws' ? await wsJson({ start }) : await tandem({ redisUrl: redis?.url, start });
const threads = (pid:number) => { const m = new Map<string, number>(); for (const t of readdirSync(`/proc/${pid}/task`)) { const c = readFileSync(`/proc/${pid}/task/${t}/comm`,'utf8').trim(); const ns = Number(readFileSync(`/proc/${pid}/task/${t}/schedstat`,'utf8').split(' ')[0]); m.set(c+(Number(t)===pid?'*':''), (m.get(c+(Number(t)===pid?'*':''))??0)+ns);} return m; };
const pids = [...sys.pids, ...(redis ? [redis.pid] : [])];
const peers: any[] = [];
for (let done=0; done<total; done+=1000) {
  const before = pids.map(threads);
  peers.push(...await connectAll(sys, done, 1000));
  const after = pids.map(threads);
  console.log(done, after.map((m,i)=>[...m].map(([k,v])=>`${k}=${((v-(before[i].get(k)??0))/1e6).toFixed(0)}`).join(' ')).join(' | '));
}
if (redis) { const { Redis } = await import("ioredis"); const r = new Redis(redis.url); console.log((await r.info("commandstats")).split("\n").filter((l:string)=>/calls=[0-9]{3}/.test(l)).join("\n")); r.disconnect(); }
for (const p of peers) p.raw.end();
await sys[Symbol.asyncDispose](); await redis?.[Symbol.asyncDispose]();
