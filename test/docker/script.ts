/** What somebody would have typed on the host to do what a story does there. */
import type { RecordedStep } from './recording.js';

export interface TypedLine {
  readonly text: string;
  readonly step: RecordedStep;
}

/** The releases of the engines that stories are played on. */
export const RELEASES = { '20.10': '20.10.24', '26.1': '26.1.5', '28.5': '28.5.2' } as const;

/** The lines of STEPS, in order; steps that change nothing on the host have none. */
export function typedLines(steps: readonly RecordedStep[]): TypedLine[] {
  let options = '';
  return steps.flatMap((step) => {
    if (step.verb === 'engine') options = ` ${step.rest}`;
    return linesOf(step, options).map((text) => ({ text, step }));
  });
}

function linesOf({ verb, rest }: RecordedStep, options: string): string[] {
  switch (verb) {
    case 'start':
      return [`dockerd${options}`];
    case 'docker':
      return [`docker ${rest}`];
    case 'save-rules':
      return ['service iptables save'];
    case 'restart':
      return [`systemctl restart ${rest.split(/\s+/)[0]}`];
    case 'host':
      return rest.split(';').flatMap((command) => hostLine(command.trim()));
    default:
      return [];
  }
}

function hostLine(command: string): string[] {
  if (command.startsWith('iptables ')) return [command];
  if (command.startsWith('sysctl -qw ')) return [command.replace('-qw', '-w')];
  return [];
}
