/** The command `nfreplay docker`: makes the host and the rules that Docker makes. */
import { encodeText, shown, shownJson, shownPath } from '../codecs/text.js';
import type { Backend } from '../core/rules/model.js';
import { commandText } from '../explain/command.js';
import { widthOf, wrapCommand } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import { dockerHostFiles, rulesText, writeDockerFolder } from '../replay/docker/docker-folder.js';
import { type DockerHostOptions, type MadeDockerHost, makeDockerHost } from '../replay/docker/make-docker-host.js';
import { hostJson } from '../replay/life/host-folder.js';
import { loadNames, type Names } from '../replay/names.js';
import { type Arguments, parseCommand } from './args.js';
import { DOCKER } from './commands/docker.js';
import { dockerReport } from './docker-report.js';
import { ExitCode, UsageError } from './errors.js';
import { count } from './number.js';
import { STDERR, STDOUT, warn } from './output.js';
import { strictCode } from './strictness.js';

const STANDARD_OUTPUT = '-';

/** Runs the command; returns the exit code. */
export function dockerCommand(args: readonly string[]): number {
  const given = parseCommand(DOCKER, args);
  const out = given.value('out');
  if (out === STANDARD_OUTPUT && given.has('json')) throw new UsageError('--out - and --json both print: give one');
  const names = loadNames(given.value('names'), undefined);
  const made = makeDockerHost(optionsOf(given));
  if (out !== undefined && out !== STANDARD_OUTPUT) writeDockerFolder(out, dockerHostFiles(made, names));
  if (out === STANDARD_OUTPUT) printRules(made);
  else if (given.has('json')) STDOUT.write(`${shownJson(documentOf(made, names))}\n`);
  else printReport(made, given, out);
  return given.has('strict') ? strictCode(reasonsAgainst(made)) : ExitCode.DONE;
}

function optionsOf(given: Arguments): DockerHostOptions {
  const [source, ...more] = given.positionals;
  const optional = <Name extends string>(name: Name, value: string | undefined) =>
    value === undefined ? {} : ({ [name]: value } as { [N in Name]: string });
  const backend = given.value('backend') as Backend | undefined;
  return {
    ...optional('source', source),
    // Several words, so that a pattern of a shell may name them.
    moreSources: more,
    composeFiles: given.values('file'),
    ...optional('projectName', given.value('project-name')),
    profiles: given.values('profile'),
    envFiles: given.values('env-file'),
    runs: given.values('run'),
    ...optional('scriptPath', given.value('script')),
    ...optional('daemonOptions', given.value('dockerd')),
    ...optional('release', given.value('release')),
    ...(backend === undefined ? {} : { backend }),
    interfaces: given.values('interface'),
    ...optional('firewallPath', given.value('firewall')),
    wasForwarding: given.has('ip-forward-was-on'),
  };
}

function reasonsAgainst({ failed, assumed }: MadeDockerHost): string[] {
  return [
    ...(failed.length > 0 ? [`${count(failed.length, 'command')} failed`] : []),
    ...(assumed.length > 0 ? [count(assumed.length, 'assumption')] : []),
  ];
}

/** The rules alone, and on standard error what may be wrong about them. */
function printRules({ host, failed, assumed, notes }: MadeDockerHost): void {
  STDOUT.write(encodeText(rulesText(host)));
  for (const text of assumed) STDERR.write(`nfreplay: assumed: ${shown(text)}\n`);
  for (const { place, text, result } of failed)
    warn(`${place}: ${text} fails as on a real host: ${(result.stderr || result.stdout).trim()}`);
  for (const note of notes) STDERR.write(`nfreplay: note: ${shown(note)}\n`);
}

/** All that a folder would have, as one document. */
function documentOf({ state, host, failed, assumed, notes }: MadeDockerHost, names: Names) {
  return {
    schema: 1,
    docker: state,
    host: hostJson(host.network.json, state),
    rules: rulesText(host),
    ...(names.size === 0 ? {} : { names: Object.fromEntries(names) }),
    failed: failed.map(({ place, text, result: { exitCode, stderr } }) => ({ place, command: text, exitCode, stderr })),
    assumed,
    notes,
  };
}

function printReport(made: MadeDockerHost, given: Arguments, out: string | undefined): void {
  const style = styleOf(STDOUT, given.color);
  const width = widthOf(STDOUT);
  STDOUT.write(dockerReport(made, style, width));
  if (out === undefined) {
    STDOUT.write('\nNothing was written: -o DIR writes it as a host for other commands, -o - prints the rules.\n');
    return;
  }
  const scan = wrapCommand('  ', shown(commandText(['nfreplay', 'scan', '--host', out])), width);
  STDOUT.write(`\n${style.bold(shownPath(out))}: a host for other commands, such as\n${scan.join('\n')}\n`);
}
