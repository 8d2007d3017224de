// Compose files that would take for ever, or exhaust memory or the stack, are refused at once, with their place.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ComposeError } from '../../../docker/compose/compose-error.js';
import { projectOf } from './cases.js';

const Hostile = suite('docker/compose/hostile');
/** Far longer than any takes, on a loaded machine, and far shorter than what they would take. */
const PATIENCE_MS = 20_000;

function refusal(files: Readonly<Record<string, string>>): string {
  const start = Date.now();
  try {
    projectOf(files);
  } catch (error) {
    if (!(error instanceof ComposeError)) throw error;
    assert.ok(Date.now() - start < PATIENCE_MS, 'in time');
    return error.message;
  }
  throw new Error('nothing was refused');
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

Hostile('a file of over a megabyte', () => {
  const text = `services: {a: {image: x}}\n# ${'x'.repeat(2 ** 20)}`;
  assert.match(refusal({ 'compose.yaml': text }), /^compose.yaml:1:1: a file of \d+ characters; expected at most/);
});

Hostile('aliases of aliases of aliases', () => {
  const bomb = range(20).map((i) => `x-${i + 1}: &a${i + 1} [${range(9).map(() => `*a${i}`)}]`);
  const text = `x-0: &a0 [1]\n${bomb.join('\n')}\nservices: {a: {image: x}}`;
  assert.match(refusal({ 'compose.yaml': text }), /^compose.yaml:\d+:\d+: with what aliases stand for/);
});

Hostile('merge keys of merge keys', () => {
  const bomb = range(30).map((i) => `x-${i + 1}: &a${i + 1} {<<: [*a${i}, *a${i}, *a${i}], k${i}: *a${i}}`);
  const text = `x-0: &a0 {b: 1}\n${bomb.join('\n')}\nservices: {a: {image: x}}`;
  assert.match(refusal({ 'compose.yaml': text }), /^compose.yaml:\d+:\d+: with what aliases stand for/);
});

Hostile('an alias of what it is part of', () => {
  const text = 'services: &s\n  a: {image: x, labels: *s}\n';
  assert.match(refusal({ 'compose.yaml': text }), /^compose.yaml:2:25: \*s stands for what it is itself a part of/);
});

Hostile('brackets without end', () => {
  assert.match(refusal({ 'compose.yaml': `a: ${'['.repeat(100_000)}` }), /nested too deeply/);
  assert.match(
    refusal({
      'compose.yaml': range(500)
        .map((i) => `${' '.repeat(i)}a:`)
        .join('\n'),
    }),
    /nested too deeply/,
  );
});

Hostile('services that extend one another', () => {
  const chain = range(3000).map((i) => `  s${i}: {extends: s${i + 1}}`);
  const text = `services:\n${chain.join('\n')}\n  s3000: {image: x}\n`;
  assert.match(refusal({ 'compose.yaml': text }), /over 100 services extend one another/);
  const circle = 'services:\n  a: {extends: {file: b.yaml, service: b}}\n';
  const files = { 'compose.yaml': circle, 'b.yaml': 'services: {b: {extends: {file: compose.yaml, service: a}}}' };
  assert.match(refusal(files), /^compose.yaml:\d+:\d+: a circle of extends: a of compose.yaml extends b of b.yaml/);
});

Hostile('files that include one another', () => {
  const chain = Object.fromEntries(
    range(50).map((i) => [`f${i}.yaml`, `include: [f${i + 1}.yaml]\nservices: {s${i}: {image: x}}`]),
  );
  assert.match(refusal({ ...chain, 'compose.yaml': 'include: [f0.yaml]' }), /include one another over 20 deep/);
  const twice = Object.fromEntries(
    range(16).map((i) => [`f${i}.yaml`, `include: [f${i + 1}.yaml, f${i + 1}.yaml]\nservices: {s${i}: {image: x}}`]),
  );
  assert.match(
    refusal({ ...twice, 'compose.yaml': 'include: [f0.yaml]', 'f16.yaml': 'services: {z: {image: x}}' }),
    /over 200 files/,
  );
});

Hostile('defaults within defaults', () => {
  const nested = range(200).reduce((inner) => `\${A:-${inner}}`, 'x');
  assert.match(refusal({ 'compose.yaml': `services: {a: {image: '${nested}'}}` }), /nested too deeply/);
  const grown = range(30).map((i) => `V${i + 1}=$V${i}$V${i}`);
  const files = { '.env': `V0=xxxxxxxxxx\n${grown.join('\n')}`, 'compose.yaml': 'services: {a: {image: x}}' };
  assert.match(refusal(files), /^\.env:\d+:\d+: a text of over 65536 characters/);
});

Hostile('a million containers', () => {
  assert.match(refusal({ 'compose.yaml': 'services: {a: {image: x, scale: 1000000}}' }), /expected at most 1000/);
  const many = range(50).map((i) => `  s${i}: {image: x, scale: 900}`);
  assert.match(refusal({ 'compose.yaml': `services:\n${many.join('\n')}` }), /over 2000 containers/);
});

Hostile('all ports of all protocols, again and again', () => {
  const all = range(40).map((i) => `  s${i}: {image: x, ports: ['1-65535:1-65535/udp']}`);
  assert.match(refusal({ 'compose.yaml': `services:\n${all.join('\n')}` }), /publishes over 200000 ports/);
  const item = range(1000).map(() => "'1-65535'");
  assert.match(refusal({ 'compose.yaml': `services: {a: {image: x, ports: [${item}]}}` }), /over 131070 ports/);
});

Hostile('services that need one another in a long circle', () => {
  const chain = range(3000).map((i) => `  s${i}: {image: x, depends_on: [s${(i + 1) % 3000}]}`);
  assert.match(
    refusal({ 'compose.yaml': `services:\n${chain.join('\n')}` }),
    /need one another in a circle: s0 needs s1/,
  );
});

Hostile('names of the prototype are names like others', () => {
  const text =
    'services: {constructor: {image: x, networks: [toString], labels: {__proto__: y}}}\nnetworks: {toString: }';
  const { services, networks } = projectOf({ 'compose.yaml': text });
  assert.is(services[0].containers[0].name, 'shop-constructor-1');
  assert.is(networks[0].spec.name, 'shop_toString');
});

Hostile.run();
