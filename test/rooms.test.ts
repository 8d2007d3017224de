// The rooms of the project, and which of them may import which: codecs and core do no I/O, and nothing depends on the
// command line.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Rooms = suite('rooms');

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Which rooms the modules of a room may import, and which modules of Node. */
const ALLOWED: Readonly<Record<string, { rooms: readonly string[]; node: readonly string[] }>> = {
  codecs: { rooms: ['codecs'], node: ['node:module'] },
  core: { rooms: ['core', 'codecs'], node: ['node:fs'] },
  docker: { rooms: ['docker', 'core', 'codecs'], node: [] },
  io: { rooms: ['io', 'codecs'], node: ['node:crypto', 'node:fs', 'node:module', 'node:path', 'node:zlib'] },
  replay: { rooms: ['replay', 'docker', 'io', 'core', 'codecs'], node: ['node:fs', 'node:os', 'node:path'] },
  explain: { rooms: ['explain', 'replay', 'docker', 'io', 'core', 'codecs'], node: [] },
  cli: {
    rooms: ['cli', 'explain', 'replay', 'docker', 'io', 'core', 'codecs'],
    node: [
      'node:crypto',
      'node:fs',
      'node:http',
      'node:module',
      'node:net',
      'node:path',
      'node:timers/promises',
      'node:tty',
      'node:url',
      'node:util',
      'node:worker_threads',
    ],
  },
};

/**
 * What the pages of reports may have of other rooms at run time, as it becomes part of each report: the form of its
 * data, and small pure modules. Types are free.
 */
const PAGES_TAKE = ['pages/', 'explain/report/format/', 'codecs/'];
/** Packages that are bundled with them. */
const PAGE_PACKAGES = ['preact'];

/** The only I/O in core: reading the code of the data plane. */
const CORE_FILES_THAT_READ = ['core/memory.ts'];

const IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*'([^']+)'/g;

interface Import {
  /** The module that imports, from the project's root. */
  from: string;
  /** The module of Node or package by its name, or the file from the project's root. */
  to: string;
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(PROJECT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sourcesIn(path);
    return /\.tsx?$/.test(path) && !path.endsWith('.d.ts') ? [path] : [];
  });
}

function importsOf(from: string): Import[] {
  const text = readFileSync(join(PROJECT, from), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, name]) => {
    const to = name.startsWith('.') ? relative(PROJECT, resolve(PROJECT, from, '..', name)) : name;
    return { from, to };
  });
}

function isForbidden(room: string, { from, to }: Import): boolean {
  const { rooms, node } = ALLOWED[room];
  if (to.startsWith('node:')) {
    return !node.includes(to) || (room === 'core' && to === 'node:fs' && !CORE_FILES_THAT_READ.includes(from));
  }
  // Packages have no slash, or are scoped.
  return to.includes('/') && !to.startsWith('@') && !rooms.includes(to.split('/')[0]);
}

for (const room of Object.keys(ALLOWED)) {
  Rooms(`${room} imports only what is allowed`, () => {
    const imports = sourcesIn(room).flatMap(importsOf);
    assert.ok(imports.length > 0);
    const forbidden = imports.filter((one) => isForbidden(room, one)).map(({ from, to }) => `${from} imports ${to}`);
    assert.equal(forbidden, []);
  });
}

/** An import that is there at run time. */
const RUN_TIME_IMPORT = /^(?:import|export)(?! type\b)[^;]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'/gm;

function isForbiddenInPages(from: string, name: string): boolean {
  if (!name.startsWith('.')) return !PAGE_PACKAGES.includes(name.split('/')[0]);
  const to = relative(PROJECT, resolve(PROJECT, from, '..', name));
  return !PAGES_TAKE.some((folder) => to.startsWith(folder));
}

Rooms('pages import only what may become part of each report', () => {
  const imports = sourcesIn('pages').flatMap((from) => {
    const found = readFileSync(join(PROJECT, from), 'utf8').matchAll(RUN_TIME_IMPORT);
    return [...found].map(([, ...names]) => ({ from, to: names.find((name) => name !== undefined)! }));
  });
  assert.ok(imports.length > 100);
  const forbidden = imports.filter(({ from, to }) => isForbiddenInPages(from, to));
  assert.equal(forbidden, []);
});

Rooms('a forbidden import is detected', () => {
  assert.ok(isForbiddenInPages('pages/shell/app.tsx', 'node:fs'));
  assert.ok(isForbiddenInPages('pages/shell/app.tsx', '../../core/hooks.js'));
  assert.ok(isForbiddenInPages('pages/shell/app.tsx', '../../explain/story/story.js'));
  assert.not(isForbiddenInPages('pages/shell/app.tsx', '../data/result.js'));
  assert.not(isForbiddenInPages('pages/shell/app.tsx', 'preact/hooks'));
  assert.ok(isForbidden('codecs', { from: 'codecs/pcap.ts', to: 'node:fs' }));
  assert.ok(isForbidden('codecs', { from: 'codecs/pcap.ts', to: 'io/capture-file.js' }));
  assert.ok(isForbidden('core', { from: 'core/nat/nat.ts', to: 'node:fs' }));
  assert.ok(isForbidden('replay', { from: 'replay/replay.ts', to: 'cli/errors.js' }));
  assert.not(isForbidden('core', { from: 'core/nat/nat.ts', to: 'codecs/layouts.js' }));
});

Rooms.run();
