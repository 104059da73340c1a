/** Generators of hostile input for the SDK's border, for units and `npm run fuzz`. Not part of the package. */
import fc from 'fast-check';

const KINDS = [
  'chat',
  'reaction',
  'data',
  'quality',
  'want',
  'history-ask',
  'history',
  'file',
  'file-part',
  'file-state',
  'ack',
];
const KEYS = ['id', 'text', 'at', 'emoji', 'data', 'view', 'video', 'lines', 'name', 'size', 'n', 'state', 'private'];

/** JSON that resembles a peer message: a kind of ours or not, known fields with values of any type. */
export function peerMessages(): fc.Arbitrary<unknown> {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.double(),
    fc.constantFrom('\ud800', '\u202e', '__proto__', 1.7e18, -1e20, 1e308, -0),
    fc.record({ toString: fc.jsonValue(), valueOf: fc.jsonValue() }, { requiredKeys: [] }),
  );
  const line = fc.record({ id: odd, name: odd, text: odd, at: odd }, { requiredKeys: [] });
  const lines = fc.oneof(odd, fc.array(fc.oneof(line, odd), { maxLength: 8 }));
  const fields: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(
    KEYS.map((key) => [key, fc.oneof(odd, fc.string(), fc.integer())]),
  );
  fields.lines = lines;
  const kind = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...KINDS) }, { weight: 1, arbitrary: odd });
  return fc.oneof(
    { weight: 1, arbitrary: fc.jsonValue() },
    { weight: 6, arbitrary: fc.record({ tandem: kind, ...fields }, { requiredKeys: ['tandem'] }) },
  );
}
