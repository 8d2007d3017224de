/** How the runner of GitHub Actions reads what a step prints. Written from its documentation and its behaviour. */

export interface WorkflowCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

const NAMES = [
  ...['error', 'warning', 'notice', 'debug', 'group', 'endgroup', 'echo', 'add-mask', 'add-matcher', 'remove-matcher'],
  ...['set-output', 'save-state', 'set-env', 'add-path', 'stop-commands', 'internal-set-repo-path'],
];

/** The commands that the runner carries out in OUTPUT, which must be text of whole lines. */
export function workflowCommands(output: string): WorkflowCommand[] {
  const commands: WorkflowCommand[] = [];
  let token: string | undefined;
  for (const line of output.split(/\r\n|\n|\r/)) {
    const names = token === undefined ? NAMES : [...NAMES, token];
    const command = parsed(line, names) ?? parsedOld(line, names);
    if (command === undefined) continue;
    if (token !== undefined) {
      if (command.name === token) token = undefined;
    } else if (command.name === 'stop-commands') token = command.data;
    else commands.push(command);
  }
  if (token !== undefined) throw new Error('commands were stopped for good');
  return commands;
}

/** `::NAME KEY=VALUE,KEY=VALUE::DATA`, with blanks before it. */
function parsed(line: string, names: readonly string[]): WorkflowCommand | undefined {
  const text = line.trimStart();
  const end = text.indexOf('::', 2);
  if (!text.startsWith('::') || end < 0) return undefined;
  const command = split(text.slice(2, end), ',', names, unescapedProperty);
  return command && { ...command, data: unescaped(text.slice(end + 2)) };
}

/** `##[NAME KEY=VALUE;KEY=VALUE]DATA`, anywhere in a line. */
function parsedOld(line: string, names: readonly string[]): WorkflowCommand | undefined {
  const start = line.indexOf('##[');
  const end = line.indexOf(']', start);
  if (start < 0 || end < 0) return undefined;
  const command = split(line.slice(start + 3, end), ';', names, (text) => text);
  return command && { ...command, data: line.slice(end + 1) };
}

function split(
  info: string,
  separator: string,
  names: readonly string[],
  decode: (text: string) => string,
): Omit<WorkflowCommand, 'data'> | undefined {
  const blank = info.indexOf(' ');
  const name = blank < 0 ? info : info.slice(0, blank);
  if (!names.includes(name.toLowerCase())) return undefined;
  const pairs =
    blank < 0
      ? []
      : info
          .slice(blank + 1)
          .trim()
          .split(separator)
          .filter((pair) => pair.includes('='));
  const properties = pairs.map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), decode(pair.slice(at + 1))];
  });
  return { name, properties: Object.fromEntries(properties) };
}

function unescaped(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}

function unescapedProperty(text: string): string {
  return unescaped(text.replaceAll('%3A', ':').replaceAll('%2C', ','));
}
