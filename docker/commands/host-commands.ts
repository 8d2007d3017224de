/** Commands of other programs that change a Docker host: iptables, ipset, sysctl, services, reloads of firewalls. */
import type { Word } from '../../codecs/iptables-save.js';
import { withNearest } from '../../codecs/nearest.js';
import type { HostAction, ServiceVerb } from './action.js';
import { CommandFault, notFollowed, partOf } from './fault.js';

/** Parses the WORDS behind NAME, the name of a program. One line may do several things. */
type HostCommand = (words: readonly Word[], name: Word) => HostAction[];

/** What the file of rules that the iptables service loads is called: Red Hat's, the same misspelt, Debian's. */
const SERVICE_FILES: readonly string[] = [
  ...['/etc/sysconfig/iptables', '/etc/sysconf/iptables', '/etc/iptables/rules.v4', '/etc/iptables/iptables.rules'],
];

/** Whether `iptables-save > PATH` saves what the iptables service loads. */
export function isServiceFile(path: string): boolean {
  return SERVICE_FILES.includes(path);
}

export const SAVES_RULES: HostAction = { kind: 'service', service: 'iptables', does: 'save' };

/** By the names of programs, without their folder. */
export const HOST_COMMANDS: Readonly<Record<string, HostCommand>> = {
  iptables: (words, name) => [{ kind: 'iptables', words: needed(words, name, 'a command, such as -A INPUT') }],
  'iptables-legacy': (words, name) => HOST_COMMANDS.iptables(words, name),
  'iptables-nft': (words, name) => HOST_COMMANDS.iptables(words, name),
  ipset: (words, name) => [{ kind: 'ipset', words: needed(words, name, 'a command, such as add SET ENTRY') }],
  sysctl: sysctls,
  systemctl,
  service,
  'firewall-cmd': (words, name) => reload(words, name, ['--reload'], 'firewalld'),
  ufw: (words, name) => reload(words, name, ['reload'], 'ufw'),
  'netfilter-persistent': (words, name) => {
    const [verb] = needed(words, name, 'save');
    if (verb.text !== 'save') throw notFollowed(verb, `netfilter-persistent ${verb.text}`, 'save');
    return [SAVES_RULES];
  },
};

function needed(words: readonly Word[], name: Word, expected: string): readonly Word[] {
  if (words.length === 0) throw new CommandFault(name, `${name.text} does not say what to do`, expected);
  return words;
}

/** `sysctl [-w] NAME=NUMBER …` */
function sysctls(words: readonly Word[], name: Word): HostAction[] {
  const settings = words.filter(({ text }) => !/^(?:-w|-q|-n|-e|-[wqne]+|--write|--quiet)$/.test(text));
  const expected = 'sysctl -w NAME=NUMBER';
  return needed(settings, name, expected).map((word): HostAction => {
    const [, key, digits] = /^([^-=\s][^=\s]*)\s*=\s*(\S*)$/.exec(word.text) ?? [];
    if (key === undefined) throw new CommandFault(word, `"${word.text}" sets nothing`, expected);
    const value = Number(digits);
    if (digits === '' || !Number.isSafeInteger(value))
      throw new CommandFault(partOf(word, word.text.indexOf('=') + 1), `"${digits}" is no number`, expected);
    return { kind: 'sysctl', name: key.replaceAll('/', '.'), value };
  });
}

type ServiceAction = Extract<HostAction, { kind: 'service' }>;

const SERVICES: readonly string[] = ['docker', 'iptables'];
/** What verbs mean; of a service that runs, as it does here, they are the same. */
const VERBS: Readonly<Record<string, ServiceVerb>> = {
  start: 'start',
  stop: 'stop',
  restart: 'restart',
  'try-restart': 'restart',
  condrestart: 'restart',
  reload: 'reload',
  'force-reload': 'restart',
};
/** Units that go with docker.service, and are nothing without it. */
const BESIDE_DOCKER: readonly string[] = ['docker.socket', 'containerd', 'containerd.service'];

function systemctl(words: readonly Word[], name: Word): HostAction[] {
  const isNow = words.some(({ text }) => text === '--now');
  const [verb, ...units] = words.filter(
    ({ text }) => !/^(?:-q|--quiet|--no-block|--now|--system|--no-pager|-f|--force)$/.test(text),
  );
  const expected = 'systemctl start, stop, restart or reload, then docker or iptables';
  const option = [verb, ...units].find((word) => word?.text.startsWith('-'));
  if (option !== undefined) throw new CommandFault(option, `unknown option ${option.text}`, expected);
  const does = verb === undefined ? undefined : verbOf(verb, isNow);
  if (verb === undefined || does === undefined) {
    const what = verb === undefined ? 'systemctl does not say what to do' : `systemctl ${verb.text} is not followed`;
    throw new CommandFault(
      verb ?? name,
      verb === undefined ? what : withNearest(what, verb.text, Object.keys(VERBS)),
      expected,
    );
  }
  const isDocker = units.some(({ text }) => isService(text, 'docker'));
  const counted = units.filter(({ text }) => !(isDocker && BESIDE_DOCKER.includes(text)));
  if (counted.length === 0) throw new CommandFault(verb, `systemctl ${verb.text} names no service`, expected);
  return counted.flatMap((unit): HostAction[] => {
    if (isService(unit.text, 'firewalld') && does === 'reload') return [{ kind: 'reload', tool: 'firewalld' }];
    if (isService(unit.text, 'ufw') && does === 'reload') return [{ kind: 'reload', tool: 'ufw' }];
    return [{ kind: 'service', service: serviceOf(unit, `systemctl ${verb.text}`), does }];
  });
}

function verbOf(verb: Word, isNow: boolean): ServiceVerb | undefined {
  if (isNow && verb.text === 'enable') return 'start';
  if (isNow && verb.text === 'disable') return 'stop';
  if (verb.text === 'reload-or-restart') return 'restart';
  return Object.hasOwn(VERBS, verb.text) ? VERBS[verb.text] : undefined;
}

const isService = (unit: string, name: string): boolean => unit === name || unit === `${name}.service`;

function serviceOf(unit: Word, command: string): ServiceAction['service'] {
  const name = unit.text.replace(/\.service$/, '');
  if (SERVICES.includes(name)) return name as ServiceAction['service'];
  const what = withNearest(`${command} ${unit.text} is not followed`, name, SERVICES);
  throw new CommandFault(unit, what, SERVICES.join(' or '));
}

/** `service iptables save`, and what a script of /etc/init.d is called with. */
function service(words: readonly Word[], name: Word): HostAction[] {
  const expected = 'service docker restart, service iptables restart, service iptables save …';
  const [unit, verb, more] = words;
  if (unit === undefined || verb === undefined) throw new CommandFault(unit ?? name, 'a word is missing', expected);
  if (more !== undefined) throw new CommandFault(more, `"${more.text}" is one word too many`, expected);
  const one = serviceOf(unit, 'service');
  if (verb.text === 'save' && one === 'iptables') return [SAVES_RULES];
  if (Object.hasOwn(VERBS, verb.text)) return [{ kind: 'service', service: one, does: VERBS[verb.text] }];
  const what = withNearest(`service ${unit.text} ${verb.text} is not followed`, verb.text, [
    ...Object.keys(VERBS),
    'save',
  ]);
  throw new CommandFault(verb, what, expected);
}

function reload(
  words: readonly Word[],
  name: Word,
  wanted: readonly string[],
  tool: 'firewalld' | 'ufw',
): HostAction[] {
  const expected = `${name.text} ${wanted.join(' ')}`;
  const other = words.find(({ text }, i) => text !== wanted[i] && text !== '--quiet' && text !== '-q');
  if (other !== undefined) throw notFollowed(other, `${name.text} ${other.text}`, expected);
  if (words.length < wanted.length) throw new CommandFault(name, `${name.text} does not say what to do`, expected);
  return [{ kind: 'reload', tool }];
}
