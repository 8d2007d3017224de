// Makes dist/ from the sources. Every npm script starts here, on a fresh clone as well, so it is plain JavaScript that
// needs nothing but Node: it installs what package-lock.json asks for where that is not installed, compiles TypeScript
// and AssemblyScript (wasm/), bundles the command, writes its manual page, and removes compiled files whose source is
// gone.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildWasm } from './wasm/build.mjs';

const root = fileURLToPath(new URL('.', import.meta.url));

/**
 * Whether node_modules holds the very versions that package-lock.json names (npm keeps a list of what it installed).
 */
function isInstalled() {
  const installed = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || present[path]?.version === version || (optional && !present[path]),
  );
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`${command}: ${error.message}`);
  return status === 0;
}

const COMPILED = /(\.d\.ts|\.js|\.js\.map)$/;
const SOURCES = ['.ts', '.tsx'];

/** Removes what tsc once made of sources that are no longer there: an old test must not go on passing. */
function removeOrphans(folder) {
  for (const entry of readdirSync(join(root, 'dist', folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeOrphans(path);
    else if (COMPILED.test(path) && !SOURCES.some((ending) => existsSync(join(root, path.replace(COMPILED, ending))))) {
      rmSync(join(root, 'dist', path));
    }
  }
}

/**
 * Makes dist/cli/main.js, the command: all of its modules in one file, because Node takes longer to find a hundred
 * files than to run most replays. One file, not several: with core and replay in two files, the slow path was measured
 * to take a tenth longer. It is where the modules are, so that it finds what they find (wasm/, package.json).
 */
async function bundleCommand() {
  const { build: bundle } = await import('esbuild');
  const { errors } = await bundle({
    absWorkingDir: root,
    entryPoints: { main: 'cli/nfreplay.ts' },
    outdir: 'dist/cli',
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // Names stay. Without comments and indents Node reads a third less at every start.
    minifyWhitespace: true,
    sourcemap: true,
    logLevel: 'warning',
  });
  return errors.length === 0;
}

/**
 * Makes dist/pages/report.js and report.css, all that the page of a report needs besides its data; and bench.js and
 * bench.css, which also show what bench has measured.
 */
async function bundlePages() {
  const { build: bundle } = await import('esbuild');
  const { errors, outputFiles } = await bundle({
    absWorkingDir: root,
    entryPoints: { report: 'pages/report.tsx', bench: 'pages/bench.tsx' },
    outdir: 'dist/pages',
    bundle: true,
    write: false,
    platform: 'browser',
    // The oldest browsers that unpack `deflate-raw` and know light-dark().
    target: ['chrome123', 'firefox120', 'safari17.5'],
    format: 'iife',
    jsx: 'transform',
    jsxFactory: 'jsxNode',
    jsxFragment: 'jsxFragment',
    inject: ['pages/jsx.ts'],
    // Else what tsconfig.json says of JSX would count.
    tsconfigRaw: {},
    minify: true,
    // Every report is a copy of this code, so its licence is in each.
    legalComments: 'none',
    banner: { css: `/*!\n${licenseOf('preact')}*/` },
    logLevel: 'warning',
  });
  for (const { path, text, hash } of outputFiles) await writePart(path, text, hash);
  return errors.length === 0;
}

const TERSER = { ecma: 2020, compress: { passes: 4, unsafe_arrows: true } };

/**
 * Writes what esbuild has bundled of pages/ to PATH: scripts once more smaller, which terser needs seconds for, so not
 * where TEXT_HASH and the options say that esbuild's TEXT is the same as at the last build.
 */
async function writePart(path, text, textHash) {
  const hash = `${textHash} ${JSON.stringify(TERSER)}`;
  const hashPath = join(dirname(path), `.${basename(path)}.hash`);
  if (existsSync(path) && existsSync(hashPath) && readFileSync(hashPath, 'utf8') === hash) return;
  mkdirSync(dirname(path), { recursive: true });
  let written = text;
  if (path.endsWith('.js')) {
    const { minify } = await import('terser');
    written = (await minify(text, TERSER)).code;
  }
  writeFileSync(path, written);
  writeFileSync(hashPath, hash);
}

/** The licence of a PACKAGE that is bundled. */
function licenseOf(name) {
  return `${name}\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8')}`;
}

/** Makes dist/man/nfreplay.1 of the command's own table of commands and options. */
function writeManualPage() {
  return run(process.execPath, [join(root, 'dist/cli/man.js'), join(root, 'dist/man/nfreplay.1')]);
}

async function build() {
  if (!isInstalled()) {
    console.error('installing what package-lock.json asks for …');
    if (!run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])) return false;
  }
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  // The page is checked against the declarations of the rest, so it comes second.
  const compiled = run(process.execPath, [tsc]) && run(process.execPath, [tsc, '-p', 'pages']);
  if (existsSync(join(root, 'dist'))) removeOrphans('');
  return compiled && (await buildWasm()) && (await bundleCommand()) && (await bundlePages()) && writeManualPage();
}

if (!(await build())) {
  if (process.env.npm_lifecycle_event === 'test') console.log('0 passed, 1 failed');
  process.exitCode = 1;
}
