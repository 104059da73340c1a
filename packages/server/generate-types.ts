/**
 * Writes src/api-types.ts from docs/server-api.yaml, docs/events-api.yaml and docs/openapi.yaml: `node packages/server/generate-types.ts`.
 * api-types.test.ts refuses a committed file that is not fresh.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';

/** What the two documents use of JSON Schema 2020-12. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
}
interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly parameters?: readonly { readonly name: string; readonly schema: Schema; readonly description?: string }[];
}
interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const read = (name: string) => parse(readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')) as Document;

const HEADER =
  '// Generated from docs/server-api.yaml, docs/events-api.yaml and docs/openapi.yaml: node packages/server/generate-types.ts\n';

/** The text of src/api-types.ts. */
export function generateTypes(): string {
  const api = read('server-api.yaml');
  const operations = [api, read('openapi.yaml')].flatMap(({ paths }) => Object.values(paths).flatMap(Object.values));
  const operation = (id: string): Operation => {
    const found = operations.find(({ operationId }) => operationId === id);
    if (!found) throw new Error(`no operation ${id}`);
    return found;
  };
  const body = (id: string): Schema => {
    const [content] = Object.values(operation(id).requestBody?.content ?? {});
    if (!content) throw new Error(`${id} has no body`);
    return content.schema;
  };
  const ban = operation('removePeer').parameters?.find(({ name }) => name === 'ban');
  if (!ban) throw new Error('removePeer has no ban');
  const { WebhookEndpoint } = read('events-api.yaml').components.schemas as { WebhookEndpoint: Schema };
  const { Room, Peer, Recording } = api.components.schemas as { Room: Schema; Peer: Schema; Recording: Schema };
  const file = Recording.properties?.files?.items;
  if (!file) throw new Error('a recording has no files');
  names.set(file, 'RecordingFile');
  const decided = Peer.properties?.grants;
  if (!decided) throw new Error('a peer has no grants');
  names.set(decided, 'DecidedGrants');
  return [
    HEADER,
    asInterface('Room', 'A room as the server API shows it.', Room),
    asInterface('DecidedGrants', 'What was decided of somebody in a room, beside their token.', decided),
    asInterface('Peer', 'Somebody in a room.', Peer),
    asInterface('RecordingFile', 'One file of a recording.', file),
    asInterface('Recording', 'A recording of a room.', Recording),
    asInterface('WebhookEndpoint', 'Where webhooks go.', WebhookEndpoint),
    asInterface('NewRoom', 'Settings of a room that is created.', body('createRoom'), 'input'),
    asInterface('RoomPatch', 'Settings to change (RFC 7396): null takes one away.', body('updateRoom'), 'input'),
    asInterface('ServerMessage', 'A message from the server to peers.', body('sendMessage'), 'input'),
    asInterface('NewToken', 'Whose token, and what it opens.', body('createToken'), 'input'),
    `/** ${ban.description} */\nexport type Ban = ${typeOf(ban.schema)};\n`,
  ].join('\n');
}

/** An interface. `input`: a value may also be undefined, as callers with exactOptionalPropertyTypes write it. */
function asInterface(name: string, doc: string, schema: Schema, use: 'input' | 'output' = 'output'): string {
  const lines = Object.entries(schema.properties ?? {}).flatMap(([field, value]) => {
    const isRequired = schema.required?.includes(field);
    const description = value.description ?? value.anyOf?.find((one) => one.description)?.description;
    return [
      ...(description ? [`  /** ${description} */`] : []),
      `  readonly ${field}${isRequired ? '' : '?'}: ${typeOf(value)}${!isRequired && use === 'input' ? ' | undefined' : ''};`,
    ];
  });
  return `/** ${doc} */\nexport interface ${name} {\n${lines.join('\n')}\n}\n`;
}

/** Nested shapes that have a name of their own. */
const names = new Map<Schema, string>();

function typeOf(schema: Schema): string {
  const name = names.get(schema);
  if (name) return name;
  if (schema.enum) return schema.enum.map((value) => `'${value}'`).join(' | ');
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' | ');
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      // New members of a list are no change of a type.
      return `readonly ${schema.items?.enum ? 'string' : typeOf(schema.items ?? {})}[]`;
    case 'object':
      if (schema.properties) throw new Error('a nested shape needs a name of its own');
      return 'Readonly<Record<string, unknown>>';
    case undefined:
      return 'unknown';
    default:
      throw new Error(`unknown type ${schema.type}`);
  }
}

if (import.meta.main) writeFileSync(new URL('src/api-types.ts', import.meta.url), generateTypes());
