/** Server-sent events, as the HTML Living Standard section 9.2.6 has them, of what our services send: `id` and `data`, a line each. */

/** Longest line, characters: above any event. */
const MAX_LINE = 1_000_000;

/** A block: the id so far, and its data, if it is an event. */
export interface StreamedBlock {
  readonly id: string | undefined;
  readonly data: string | undefined;
}

/** @throws Error when a line is longer than any event */
export async function* readEventStream(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamedBlock> {
  const decoder = new TextDecoder();
  let rest = '';
  let id: string | undefined;
  let data: string | undefined;
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw new Error('a line of the event stream is too long');
    for (const line of lines) {
      if (line.startsWith('id: ')) id = line.slice(4);
      else if (line.startsWith('data: ')) data = line.slice(6);
      else if (line === '') {
        yield { id, data };
        data = undefined;
      }
    }
  }
}
