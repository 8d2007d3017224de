// Asks the docker command itself which lines it accepts (docker-cli.txt): one that then looks for an engine does.
//
//   node dist/test/docker/commands/record.js [--all]
//
// The docker of this machine is asked, and the one at DOCKER_28 if that is set.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { splitCommands } from '../../../codecs/shell-words.js';
import { CLI_FILE, type CliLine, formatCliLines, readCliLines } from './cli-lines.js';

const NEWER = process.env.DOCKER_28;
const IS_ALL = process.argv.includes('--all');

/** Whether PROGRAM accepts COMMAND: what it says is that it finds no engine. */
function accepts(program: string, command: string): boolean {
  const [words] = splitCommands(command);
  const args = words.slice(1).map(({ text }) => text);
  const { stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, DOCKER_HOST: 'unix:///nonexistent' },
  });
  return /Cannot connect to the Docker daemon|error during connect|unable to resolve docker endpoint|dial tcp/.test(
    stdout + stderr,
  );
}

function asked(line: CliLine): CliLine {
  if (line.older !== undefined && !IS_ALL) return line;
  const older = accepts('/usr/bin/docker', line.command);
  return { ...line, older, newer: NEWER === undefined ? older : accepts(NEWER, line.command) };
}

const text = readFileSync(CLI_FILE, 'utf8');
const comments = text.split('\n').filter((line) => line.startsWith('#'));
writeFileSync(CLI_FILE, `${comments.join('\n')}\n\n${formatCliLines(readCliLines(text).map(asked))}`);
