/** The wire contract as AsyncAPI 3.0, made from the message schemas: one source. Written by scripts/asyncapi.ts. */
import { CLOSE_CODES, ERROR_CODES, SUBPROTOCOL } from './codes.ts';
import { ClientMessages, ServerMessages } from './messages.ts';

/** Plain JSON Schema without the library's own marks. */
function plain(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema));
}

function messages(group: Record<string, object>, prefix: string) {
  return Object.fromEntries(
    Object.entries(group).map(([type, schema]) => [
      `${prefix}.${type}`,
      {
        name: type,
        summary: (schema as { description?: string }).description ?? type,
        contentType: 'application/json',
        payload: plain(schema),
      },
    ]),
  );
}

const refs = (names: object, path: string) => Object.keys(names).map((name) => ({ $ref: `${path}/${name}` }));

/** @see https://www.asyncapi.com/docs/reference/specification/v3.0.0 */
export function asyncApi(): Record<string, unknown> {
  const client = messages(ClientMessages, 'client');
  const server = messages(ServerMessages, 'server');
  return {
    asyncapi: '3.0.0',
    info: info(),
    defaultContentType: 'application/json',
    servers: servers(),
    channels: channels({ ...client, ...server }),
    operations: operations(client, server),
    components: { messages: { ...client, ...server }, securitySchemes: securitySchemes() },
  };
}

function info() {
  const closeCodes = Object.values(CLOSE_CODES)
    .map((c) => `- \`${c.code}\` ${c.reason} Client: ${c.after}.`)
    .join('\n');
  const errorCodes = Object.entries(ERROR_CODES)
    .map(([code, meaning]) => `- \`${code}\`: ${meaning}`)
    .join('\n');
  return {
    title: 'Tandem signaling',
    version: SUBPROTOCOL,
    description: `One JSON object per text frame. Rules: docs/service-contracts.md.\n\nError codes:\n${errorCodes}\n\nClose codes:\n${closeCodes}\n`,
    license: { name: 'MIT' },
  };
}

function servers() {
  return {
    edge: {
      host: 'localhost:3000',
      pathname: '/ws/signal',
      protocol: 'ws',
      description: 'The edge; wss in the cloud.',
      security: refs(securitySchemes(), '#/components/securitySchemes'),
    },
  };
}

/** The three ways in which a client hands over its token. */
function securitySchemes() {
  return {
    subprotocol: {
      type: 'httpApiKey',
      in: 'header',
      name: 'Sec-WebSocket-Protocol',
      description: `\`${SUBPROTOCOL}, bearer.<jwt>\``,
    },
    query: { type: 'httpApiKey', in: 'query', name: 'token', description: 'The same token, for simple clients.' },
    header: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'For clients that are no browser.',
    },
  };
}

function channels(all: object) {
  return {
    signal: {
      address: '/ws/signal',
      description: 'One WebSocket of one client.',
      bindings: {
        ws: {
          method: 'GET',
          query: { type: 'object', properties: { token: { type: 'string' } } },
          bindingVersion: '0.1.0',
        },
      },
      messages: Object.fromEntries(Object.keys(all).map((name) => [name, { $ref: `#/components/messages/${name}` }])),
    },
  };
}

function operations(client: object, server: object) {
  const channel = { $ref: '#/channels/signal' };
  return {
    receiveFromClient: {
      action: 'receive',
      channel,
      summary: 'What a client may send.',
      messages: refs(client, '#/channels/signal/messages'),
    },
    sendToClient: {
      action: 'send',
      channel,
      summary: 'What the server sends.',
      messages: refs(server, '#/channels/signal/messages'),
    },
  };
}
