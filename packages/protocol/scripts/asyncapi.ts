/** Writes docs/asyncapi.yaml: `node packages/protocol/scripts/asyncapi.ts`. A test fails when it is stale. */
import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { asyncApi } from '../src/asyncapi.ts';

const file = new URL('../../../docs/asyncapi.yaml', import.meta.url);
writeFileSync(file, stringify(asyncApi(), { lineWidth: 0, aliasDuplicateObjects: false }));
