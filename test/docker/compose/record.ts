/**
 * Asks compose what it makes of the cases in cases.jsonl, and writes its answers into them: `docker-compose` 1.29.2
 * (Debian 12), and as COMPOSE2 the plugin of compose 2 (2.40.3, the program docker-compose of later releases). No
 * engine is needed. `node dist/test/docker/compose/record.js`
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CASES_FILE, type ComposeCase, FOLDER_NAME } from './cases.js';
import { type Reduced, reducedConfig } from './reduced.js';

const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
const COMPOSE_1 = process.env.COMPOSE1 ?? 'docker-compose';
const COMPOSE_2 = process.env.COMPOSE2 ?? '/usr/libexec/docker/cli-plugins/docker-compose';

function ask(one: ComposeCase, generation: 1 | 2): Reduced | string {
  const parent = mkdtempSync(join(tmpdir(), 'compose-case-'));
  const folder = join(parent, FOLDER_NAME);
  for (const [path, text] of Object.entries(one.files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const options = [
    ...one.use.flatMap((file) => ['-f', file]),
    ...(one.profiles ?? []).flatMap((p) => ['--profile', p]),
  ];
  const [program, form] = generation === 1 ? [COMPOSE_1, []] : [COMPOSE_2, ['--format', 'json']];
  const env = { PATH: process.env.PATH, HOME: folder, ...one.environment };
  const run = spawnSync(program, [...options, 'config', ...form], { cwd: folder, env, encoding: 'utf8' });
  rmSync(parent, { recursive: true });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) return run.stderr.trim().split('\n').at(-1)!.replaceAll(folder, '').slice(0, 200);
  return reducedConfig(generation === 1 ? parse(run.stdout, { version: '1.1' }) : JSON.parse(run.stdout), generation);
}

const lines = readFileSync(CASES_FILE, 'utf8').trim().split('\n');
const answered = lines.map((line) => {
  const one = JSON.parse(line) as ComposeCase;
  return JSON.stringify({ ...one, compose1: ask(one, 1), compose2: ask(one, 2) });
});
writeFileSync(CASES_FILE, `${answered.join('\n')}\n`);
