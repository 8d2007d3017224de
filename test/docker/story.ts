/**
 * Stories: what is done on a Docker host and around it, a step a line (# is a comment):
 *   engine OPTIONS…                 how dockerd is started; before `start`
 *   start                           the engine starts
 *   docker WORDS…                   as on the host's command line
 *   host|client|outside COMMAND     a shell command there
 *   in CONTAINER COMMAND            in a container
 *   meanwhile PLACE COMMAND         a shell command there, while the story goes on
 *   open NAME PLACE ADDRESS PORT    a TCP connection from there, with which `say NAME TEXT` and `close NAME` go on
 *   serve PLACE PORT                an HTTP server there
 *   save-rules                      what iptables-save prints becomes the saved rules of the iptables service
 *   restart iptables|docker         the service is restarted
 *   wait SECONDS
 *   snapshot NAME                   all that can be known of the host
 * `{web}` stands for the address of container web, `{web@front}` for that in network front.
 */

export interface Step {
  readonly verb: string;
  /** All behind it. */
  readonly rest: string;
  readonly line: string;
}

export function parseStory(text: string): Step[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map(parseStep);
}

export function parseStep(line: string): Step {
  const verb = line.split(/\s+/)[0];
  return { verb, rest: line.slice(verb.length).trim(), line };
}
