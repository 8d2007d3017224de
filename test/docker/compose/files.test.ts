// Which files a compose project is made of, and which variables of the environment: whoever tells of a run names them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseRelease } from '../../../docker/releases.js';
import { loadComposeProject } from '../../../replay/docker/compose-files.js';

const Files = suite('compose files');

const word = (text: string) => ({ text, line: 1, column: 1 });

Files('all that was read is told, and which variables outside of the files decided', () => {
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-'));
  mkdirSync(join(dir, 'db'));
  const contents: Readonly<Record<string, string>> = {
    'compose.yaml':
      'include: [db/compose.yaml]\nservices:\n  web:\n    image: nginx\n    ' +
      'ports: ["$NFREPLAY_TEST_PORT:80", "$OWN:81"]\n',
    '.env': 'OWN=8081\n',
    'db/compose.yaml':
      'services:\n  db:\n    extends: { file: base.yaml, service: base }\n    image: "db:$NFREPLAY_TEST_TAG"\n',
    'db/base.yaml': 'services:\n  base:\n    image: scratch\n',
    'other.yaml': 'services: {}\n',
  };
  for (const [name, text] of Object.entries(contents)) writeFileSync(join(dir, name), text);
  const read: string[] = [];
  Object.assign(process.env, { NFREPLAY_TEST_PORT: '8080', NFREPLAY_TEST_TAG: '7', NFREPLAY_TEST_UNUSED: '1' });
  try {
    const project = loadComposeProject(
      {
        isStandalone: false,
        files: [word(join(dir, 'compose.yaml'))],
        projectName: word('shop'),
        projectDirectory: undefined,
        envFiles: [],
        profiles: [],
        scale: new Map(),
        services: [],
        withDependencies: true,
        command: word('up'),
      },
      parseRelease('28.5'),
      (path) => read.push(path),
    );
    const names = [...new Set(read)].map((path) => path.slice(dir.length + 1)).sort();
    assert.equal(names, ['.env', 'compose.yaml', 'db/base.yaml', 'db/compose.yaml']);
    assert.equal(project.assumed, ['compose takes from the environment: NFREPLAY_TEST_PORT, NFREPLAY_TEST_TAG']);
  } finally {
    for (const name of ['PORT', 'TAG', 'UNUSED']) delete process.env[`NFREPLAY_TEST_${name}`];
    rmSync(dir, { recursive: true });
  }
});

Files.run();
