// Makes dist/wasm/data-plane.wasm of the AssemblyScript beside this file. Its constants come from the modules in core/ and
// codecs/ that own them: `constants.ts` is made of their exports, and is not kept.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const OUT = fileURLToPath(new URL('../dist/wasm/', import.meta.url));
const CONSTANTS = `${HERE}constants.ts`;

/** Modules, as compiled, whose exported numbers (and objects of numbers) the code here may import. */
const SOURCES = [
  'codecs/layouts',
  'codecs/capture-blocks',
  'codecs/pcap',
  'codecs/pcap-writer',
  'core/memory',
  'core/packet',
  'core/conntrack/record',
  'core/conntrack/tcp-record',
  'core/protocols/tcp-states',
  'core/protocols/protocol',
  'core/flow/chain-probe',
  'core/flow/megaflow-table',
  'core/clock',
  'core/flow/path',
  'core/flow/questions',
  'core/matches/limit',
  'core/rules/run/flat-state',
];

// --debug: functions keep their names, by which profilers show them; the code is the same.
const OPTIONS = [
  ...['--debug', '--optimizeLevel', '3', '--shrinkLevel', '0', '--converge', '--noAssert', '--runtime', 'stub'],
  ...['--importMemory', '--sharedMemory', '--initialMemory', '49152', '--maximumMemory', '49152'],
  ...['--enable', 'simd', '--enable', 'threads', '--use', 'abort=', '--disableWarning', '201'],
];

/** Writes data-plane.wasm where a source is newer; says whether all went well. */
export async function buildWasm() {
  mkdirSync(OUT, { recursive: true });
  const constants = await constantsText();
  if (!existsSync(CONSTANTS) || readFileSync(CONSTANTS, 'utf8') !== constants) writeFileSync(CONSTANTS, constants);
  if (isUpToDate()) return true;
  const { default: asc } = await import('assemblyscript/asc');
  const args = ['index.ts', '--baseDir', HERE, '--outFile', `${OUT}data-plane.wasm`, ...OPTIONS];
  const { error, stderr } = await asc.main(args);
  if (error) console.error(`${stderr.toString()}${error.message}`);
  return !error;
}

async function constantsText() {
  const lines = ['// Made by build.mjs from the modules that own these numbers.'];
  for (const source of SOURCES) {
    const exported = await import(new URL(`../dist/${source}.js`, import.meta.url));
    lines.push('', `// ${source}.ts`);
    for (const [name, value] of Object.entries(exported)) {
      if (isNumber(value)) lines.push(declaration(name, value));
      else if (value !== null && typeof value === 'object' && Object.values(value).every(isNumber)) {
        const members = Object.entries(value).map(([key, number]) => `  ${declaration(key, number)}`);
        if (members.length > 0 && !ArrayBuffer.isView(value) && !Array.isArray(value))
          lines.push(`export namespace ${name} {`, ...members, '}');
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

const isNumber = (value) => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 32;
const declaration = (name, value) => `export const ${name}: ${value < 2 ** 31 ? 'i32' : 'u32'} = ${value};`;

function isUpToDate() {
  const made = `${OUT}data-plane.wasm`;
  if (!existsSync(made)) return false;
  const madeMs = statSync(made).mtimeMs;
  return readdirSync(HERE, { recursive: true }).every((name) => statSync(HERE + name).mtimeMs < madeMs);
}
