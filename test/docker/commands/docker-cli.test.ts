// Lines of docker that people type: accepted and refused as by the docker command itself, recorded in docker-cli.txt.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseScript } from '../../../docker/commands/script.js';
import { CLI_FILE, readCliLines } from './cli-lines.js';
import { NO_FILES } from './no-files.js';

const DockerCli = suite('lines of docker');

for (const { command, newer, here } of readCliLines(readFileSync(CLI_FILE, 'utf8'))) {
  DockerCli(command, () => {
    const { faults } = parseScript(command, 'script', NO_FILES);
    const messages = faults.map(({ message, isUnsupported }) => `${isUnsupported ? 'unsupported: ' : ''}${message}`);
    if (here !== undefined) assert.equal(messages, [here]);
    else assert.is(faults.length === 0, newer, messages.join('\n'));
  });
}

DockerCli.run();
