/** docs/host.md and docs/schema/host.schema.json say what a host may have. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FACT_MEMBERS } from '../../codecs/host/facts.js';
import { memberOfFile, OUTPUT_FILES, OUTPUT_MEMBERS } from '../../codecs/host/outputs.js';
import { SNAPSHOT_SCRIPT } from '../../codecs/host/snapshot-script.js';

const Schema = suite('schema of host.json');

const schema = JSON.parse(readFileSync('docs/schema/host.schema.json', 'utf8'));
const page = readFileSync('docs/host.md', 'utf8');

Schema('every golden host is valid', () => {
  const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);
  for (const name of readdirSync('pcaps')) {
    const host = JSON.parse(readFileSync(join('pcaps', name, 'host.json'), 'utf8'));
    assert.ok(validate(host), `${name}: ${JSON.stringify(validate.errors)}`);
  }
  assert.not(validate({ addr: {}, sysctl: [] }));
});

Schema('every member is documented, and that of an output has a file', () => {
  const members = [...OUTPUT_MEMBERS, ...FACT_MEMBERS];
  assert.equal(Object.keys(schema.properties).sort(), members.sort());
  for (const member of members) assert.ok(page.includes(`\`${member}\``), member);
  assert.equal(OUTPUT_FILES.map(memberOfFile), OUTPUT_MEMBERS);
});

Schema('every output of the script is a member', () => {
  const names = [...SNAPSHOT_SCRIPT.matchAll(/\b(?:output|none|missing|ip_output) ([\w.]+)/g)].map(([, name]) => name);
  assert.ok(names.length > 15);
  for (const name of names.filter((word) => /^[a-z]+6?(?:\.(?:json|txt))?$/.test(word)))
    assert.ok(memberOfFile(name) !== undefined || ['NAME', 'name'].includes(name), name);
});

Schema.run();
