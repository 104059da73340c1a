/** For `node --import`: puts the fault that MUTATION names back into the source as it is loaded. The files stay as they are. */
import { registerHooks } from 'node:module';
import { MUTATIONS } from './mutations.ts';

const name = process.env.MUTATION ?? '';
const mutation = MUTATIONS[name];
if (!mutation) throw new Error(`MUTATION: ${JSON.stringify(name)} is none of ${Object.keys(MUTATIONS).join(', ')}`);
const root = new URL('../../', import.meta.url).href;
const left = new Set(mutation.edits);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const edits = mutation.edits.filter(({ file }) => url === root + file);
    if (edits.length === 0) return loaded;
    let source = String(loaded.source);
    for (const edit of edits) {
      // The product has changed: so must the mutation, or it shows nothing.
      if (!source.includes(edit.now))
        throw new Error(`${name}: ${edit.file} does not have ${JSON.stringify(edit.now)}`);
      source = source.replace(edit.now, () => edit.faulty);
      left.delete(edit);
    }
    return { ...loaded, source };
  },
});
process.on('exit', (code) => {
  if (code === 0 && left.size > 0)
    throw new Error(`${name}: ${[...left].map(({ file }) => file).join(', ')} was not loaded`);
});
