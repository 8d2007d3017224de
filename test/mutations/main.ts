/**
 * `npm run test:mutations [-- PART …]`: puts one fault after another (mutations.json) into a copy of the project, or
 * those with PART in their file or title, and runs the tests that should notice; if they do not, the other tests of
 * core and codecs. A fault that no test notices has survived, and counts as failed. The last line is `N passed, N
 * failed`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { transformSync } from 'esbuild';

/**
 * What MUTATIONS_FILE lists. One whose text is no longer in its file is an error: adapt it, or take it out if what it
 * broke is gone.
 */
interface Mutation {
  /** What the fault does. */
  title: string;
  file: string;
  /** Replaced by `to`; it must occur exactly once. */
  from: string;
  to: string;
  /** Test files that are run first, as arguments of the test runner: those that should notice. */
  tests: readonly string[];
}

const MUTATIONS_FILE = 'test/mutations/mutations.json';
/** What is not needed to run the tests, or is linked. */
const NOT_COPIED = ['node_modules', '.git', 'out', 'bench'];
/** What may notice a fault that the tests named with it do not. */
const OTHER_TESTS = [
  ...['golden/golden', 'recorded/recorded', 'rules/', 'flow/', 'conntrack/', 'nat/', 'protocols/', 'fragments/'],
  ...['answers/', 'host/', 'link/', 'codecs/', 'memory/', 'replay/', 'library/', 'cli/replay'],
];
const WASM_FILE = 'dist/wasm/data-plane.wasm';

function run(tree: string, ...args: string[]): boolean {
  return spawnSync(process.execPath, args, { cwd: tree, stdio: 'ignore' }).status === 0;
}

/** Puts TO in the place of FROM, in the source and in what was compiled of it; returns how to take it back. */
function mutate(tree: string, { file, from, to }: Mutation): () => void {
  const source = join(tree, file);
  const original = readFileSync(source, 'utf8');
  if (original.split(from).length !== 2) throw new Error(`${file} has this text not exactly once: ${from}`);
  const mutated = original.replace(from, () => to);
  const isWasm = file.startsWith('wasm/');
  const compiled = join(tree, isWasm ? WASM_FILE : `dist/${file.replace(/ts$/, 'js')}`);
  const compiledBefore = readFileSync(compiled);
  if (isWasm) {
    writeFileSync(source, mutated);
    const build = `const { buildWasm } = await import('./wasm/build.mjs'); if (!(await buildWasm())) process.exit(1)`;
    if (!run(tree, '--input-type=module', '-e', build)) throw new Error(`${file} does not compile with: ${to}`);
  } else {
    writeFileSync(compiled, transformSync(mutated, { loader: 'ts', format: 'esm', target: 'es2023' }).code);
  }
  return () => {
    if (isWasm) writeFileSync(source, original);
    writeFileSync(compiled, compiledBefore);
  };
}

/** The first tests that fail in TREE; undefined: none do. */
function noticedBy(tree: string, { tests }: Mutation): string | undefined {
  const others = OTHER_TESTS.filter((one) => !tests.includes(one));
  return [...tests, ...others].find((one) => !run(tree, 'dist/test/run.js', '--no-lint', one));
}

const wanted = process.argv.slice(2);
const mutations = JSON.parse(readFileSync(MUTATIONS_FILE, 'utf8')) as readonly Mutation[];
const chosen = mutations.filter(
  ({ file, title }) => wanted.length === 0 || wanted.some((part) => file.includes(part) || title.includes(part)),
);
const tree = mkdtempSync(join(tmpdir(), 'nfreplay-mutations-'));
let noticed = 0;
let survived = 0;
try {
  cpSync('.', tree, {
    recursive: true,
    filter: (path) => !NOT_COPIED.includes(basename(path)) || path.includes('dist'),
  });
  symlinkSync(join(process.cwd(), 'node_modules'), join(tree, 'node_modules'));
  for (const mutation of chosen) {
    const undo = mutate(tree, mutation);
    const test = noticedBy(tree, mutation);
    undo();
    if (test === undefined) survived++;
    else noticed++;
    const result = test === undefined ? 'SURVIVED' : `noticed by ${test}`;
    console.log(`${mutation.file}: ${mutation.title}: ${result}`);
  }
} finally {
  rmSync(tree, { recursive: true, force: true });
}
console.log(`\n${noticed} passed, ${survived} failed`);
process.exitCode = survived > 0 || noticed === 0 ? 1 : 0;
