/** The engine on Janus: its VideoRoom plugin, one process (https://janus.conf.meetecho.com/docs/videoroom). */
import { join } from 'node:path';
import { type Engine, EngineError, type EngineRoom } from './engine.ts';
import { JanusClient } from './janus-client.ts';
import { type JanusProcess, type JanusSettings, startJanus } from './janus-process.ts';
import { JanusRoom } from './janus-room.ts';

export interface JanusEngine extends Engine {
  /** Of the Janus process. */
  readonly pid: number;
}

/** @throws EngineError when Janus does not start */
export async function startJanusEngine(settings: JanusSettings): Promise<JanusEngine> {
  const janus = await startJanus(settings);
  try {
    const client = await JanusClient.connect(janus.url, janus.secret);
    return engine(settings, janus, client);
  } catch (error) {
    await janus[Symbol.asyncDispose]();
    throw error;
  }
}

function engine(settings: JanusSettings, janus: JanusProcess, client: JanusClient): JanusEngine {
  const rooms = new Map<string, JanusRoom>();
  const recordings = join(settings.runDir, 'recordings');
  // An engine of which nothing can be asked would have no legs, and so be given each new room.
  void client.gone.then((reason) => {
    settings.complain(`janus is ended: ${reason}`);
    janus.kill();
  });
  void janus.ended.then(() => {
    client.close();
    for (const room of rooms.values()) room.lost();
    rooms.clear();
  });
  return {
    version: settings.program.version,
    pid: janus.pid,
    recordings,
    ended: janus.ended,
    get legs() {
      return [...rooms.values()].reduce((sum, room) => sum + room.legs, 0);
    },
    async openRoom(id, publishers): Promise<EngineRoom> {
      if (rooms.has(id)) throw new EngineError('refused', `room ${id} is open`);
      const room: JanusRoom = new JanusRoom(client, id, () => {
        if (rooms.get(id) === room) rooms.delete(id);
      });
      rooms.set(id, room);
      try {
        await room.open(publishers, recordings);
      } catch (error) {
        rooms.delete(id);
        // An engine that is only late has made it.
        void room.close();
        throw error;
      }
      return room;
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await janus[Symbol.asyncDispose]();
    },
  };
}
