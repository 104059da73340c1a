/** The SDK's plain types and its checks of server frames against the schemas of the contract. Types are checked by `npm run types`. */
import type {
  ClientMessageMap,
  PeerMetadata as ContractMetadata,
  PeerInfo as ContractPeer,
  ServerMessageMap,
} from '@tandem/protocol';
import { ServerMessages } from '@tandem/protocol';
import { expect, expectTypeOf, test } from 'vitest';
import { readServerFrame, type ServerFrame } from './server-frame.ts';
import type { DirectedType, Heartbeat, PeerInfo, PeerMetadata, RoomMedia, ServerLimits } from './wire.ts';

test('what the server sends fits the types of the SDK', () => {
  expectTypeOf<ContractPeer>().toExtend<PeerInfo>();
  expectTypeOf<ContractMetadata>().toExtend<PeerMetadata>();
  expectTypeOf<ServerMessageMap['welcome']['limits']>().toExtend<ServerLimits>();
  expectTypeOf<ServerMessageMap['welcome']['heartbeat']>().toExtend<Heartbeat>();
  expectTypeOf<NonNullable<ServerMessageMap['joined']['media']>>().toExtend<RoomMedia>();
  expectTypeOf<DirectedType>().toExtend<keyof ClientMessageMap>();
  expectTypeOf<ServerMessageMap['resumed']>().toExtend<ServerFrame>();
  expectTypeOf<ServerMessageMap['error']>().toExtend<ServerFrame>();
});

type Schema = {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
};

/** A value of that schema's type, as far as the border looks at it. */
function sample(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.anyOf?.[0]) return sample(schema.anyOf[0]);
  if (schema.properties)
    return Object.fromEntries(Object.entries(schema.properties).map(([name, field]) => [name, sample(field)]));
  if (schema.type === 'string') return 'x';
  if (schema.type === 'integer' || schema.type === 'number') return 1;
  return schema.type === 'array' ? [] : undefined;
}
/** Fields of a frame that hold a string or a number, also in its objects. */
function* scalars(schema: Schema, path: readonly string[] = []): Generator<readonly string[]> {
  for (const [name, field] of Object.entries(schema.properties ?? {}))
    if (field.properties) yield* scalars(field, [...path, name]);
    else if (['string', 'integer', 'number'].includes(field.type ?? '') && field.const === undefined)
      yield [...path, name];
}
/** What peers wrote, or lists that have readers of their own (room-view.ts, membership.ts). */
const READ_ELSEWHERE = new Set([
  'traceparent',
  'userId',
  'name',
  't',
  'parked',
  'kind',
  'media',
  'metadata',
  'sdp',
  'candidate',
  'data',
  'want',
  'state',
]);

test.each(Object.entries(ServerMessages))(
  '%s: a frame of the contract passes, one with a wrong field does not',
  (type, schema) => {
    const good = sample(schema as unknown as Schema) as Record<string, unknown>;
    expect(readServerFrame(JSON.stringify(good))?.type).toBe(type);
    for (const path of scalars(schema as unknown as Schema)) {
      if (READ_ELSEWHERE.has(path[0] as string)) continue;
      for (const wrong of [{ toString: 1 }, [], true]) {
        const bad = structuredClone(good);
        const last = path.at(-1) as string;
        const holder = path.slice(0, -1).reduce((at, name) => at[name] as Record<string, unknown>, bad);
        holder[last] = wrong;
        expect(
          readServerFrame(JSON.stringify(bad)),
          `${type}.${path.join('.')} = ${JSON.stringify(wrong)}`,
        ).toBeUndefined();
      }
    }
  },
);

test.each([
  '',
  'null',
  '[]',
  '"x"',
  '{}',
  '{"type":1}',
  '{"type":"joined"}',
  '{"type":"mute_requested","kind":"audio"}',
  undefined,
  {},
])('no frame: %j', (data) => expect(readServerFrame(data)).toBeUndefined());
