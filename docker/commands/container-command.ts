/** `docker run` and `docker create`: what is asked of a container. */
import type { Word } from '../../codecs/iptables-save.js';
import { nearest } from '../../codecs/nearest.js';
import { expansionIn } from '../../codecs/shell-words.js';
import type { ContainerSpec, EndpointSpec, RestartPolicy } from '../model.js';
import { containerNetworks } from './container-networks.js';
import { CommandFault, notFollowed } from './fault.js';
import { type Flags, parseFlags } from './flags.js';
import { labelsOf } from './labels.js';
import { exposedPort, publishedPort } from './ports.js';
import { CREATE_FLAGS, RUN_FLAGS } from './run-flags.js';

/** What a command asks for, and what of it does not count, or was assumed; for people. */
export interface ContainerRequest {
  readonly spec: ContainerSpec;
  readonly notes: readonly string[];
}

/**
 * Parses WORDS, those behind `docker run` or another COMMAND of its kind.
 * @throws {CommandFault}
 */
export function containerRequest(words: readonly Word[], command: string, name: Word): ContainerRequest {
  const flags = parseFlags(words, command.endsWith('create') ? CREATE_FLAGS : RUN_FLAGS, {
    command,
    isInterspersed: false,
  });
  const [image] = flags.positionals;
  refuseUnfollowed(flags);
  if (image === undefined) throw new CommandFault(words.at(-1) ?? name, `${command} names no image`, 'an IMAGE');
  refuseExpansions(flags);
  if (expansionIn(image) === undefined) refuseBadImage(image);
  const networks = containerNetworks(flags);
  const ports = flags.all('publish').map(publishedPort);
  const isRemovedWhenStopped = flags.isSet('rm');
  const spec: ContainerSpec = {
    name: nameIn(flags),
    image: image.text,
    hostname: flags.last('hostname')?.text,
    networkMode: networks.mode,
    endpoints: networks.endpoints,
    ports: ports.filter(({ note }) => note === undefined).map(({ spec }) => spec),
    exposed: [
      ...flags.all('expose').map(exposedPort),
      ...ports.filter(({ note }) => note !== undefined).map(({ spec }) => spec),
    ].map(({ container, protocol }) => ({ container, protocol })),
    publishesAll: flags.isSet('publish-all'),
    restart: restartPolicy(flags.last('restart'), isRemovedWhenStopped),
    links: linksIn(flags, networks.endpoints),
    isRemovedWhenStopped,
    labels: labelsOf(flags.all('label')),
  };
  refuseForMode(flags, spec);
  const notes = ports.flatMap(({ note }) => note ?? []);
  if (spec.publishesAll && spec.exposed.length === 0)
    notes.push(`-P publishes ports that ${image.text} exposes, which are not known here: name them with --expose`);
  notes.push(...discardedPorts(flags, spec));
  return { spec, notes };
}

/** What the engine, or else we, say of ports that nothing publishes. */
function discardedPorts(flags: Flags, { networkMode, publishesAll }: ContainerSpec): string[] {
  if (flags.all('publish').length === 0 && !publishesAll) return [];
  if (networkMode === 'host') return ['Published ports are discarded when using host network mode'];
  return networkMode === 'none' ? ['published ports are without effect: the container has no network'] : [];
}

/** Those whose values are of no matter to networks and to what a container is called. */
const WITHOUT_MATTER: readonly string[] = [
  ...['annotation', 'cidfile', 'cpus', 'cpuset-cpus', 'device', 'domainname', 'entrypoint', 'env', 'env-file', 'gpus'],
  ...['group-add', 'health-cmd', 'hostname', 'log-driver', 'log-opt', 'memory', 'mount', 'platform', 'runtime'],
  ...['security-opt', 'shm-size', 'tmpfs', 'ulimit', 'user', 'volume', 'volumes-from', 'workdir'],
];

/** Throws a CommandFault for a value that matters, and that only a shell knows. */
function refuseExpansions(flags: Flags): void {
  for (const name of RUN_FLAGS.keys()) {
    if (!WITHOUT_MATTER.includes(name)) for (const word of flags.all(name)) refuseExpansion(word);
  }
  const [image, ...behind] = flags.positionals;
  // Where more follows, it may as well be options.
  if (image.text.startsWith('$') && behind.length > 0) refuseExpansion(image);
}

function refuseExpansion(word: Word): void {
  const fault = expansionIn(word);
  if (fault !== undefined) throw new CommandFault(fault.word, fault.message);
}

/** Options that would change what packets meet, and are not followed. */
function refuseUnfollowed(flags: Flags): void {
  if (flags.isSet('help')) throw new CommandFault(flags.last('help')!, '--help starts nothing', 'the command itself');
  const ip6 = flags.firstOf(['ip6', 'link-local-ip']);
  if (ip6 !== undefined) throw notFollowed(ip6.word, `--${ip6.name}, of IPv6 or link-local networks,`);
  if (flags.all('attach').length > 0 && flags.isSet('detach'))
    throw new CommandFault(flags.all('attach')[0], '--attach and --detach exclude each other', 'one of them');
  const stream = flags.all('attach').find(({ text }) => !/^std(?:in|out|err)$/i.test(text));
  if (stream !== undefined)
    throw new CommandFault(stream, `--attach takes no "${stream.text}"`, 'stdin, stdout or stderr');
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

function nameIn(flags: Flags): string | undefined {
  const word = flags.last('name');
  if (word === undefined || word.text === '') return undefined;
  const name = word.text.replace(/^\//, '');
  if (NAME.test(name)) return name;
  throw new CommandFault(word, `"${word.text}" is no name of a container`, 'at least two of a-z A-Z 0-9 _ . -');
}

/** A reference to an image (distribution/reference): a registry with a dot, a port or capitals, paths, a tag, a digest. */
const DOMAIN =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[\da-fA-F:]+\])(?::\d+)?$/;
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const SUFFIX = /^(.*?)(?::(\w[\w.-]{0,127}))?(?:@[a-zA-Z][\w+.-]*:[\da-fA-F]{32,})?$/;

function refuseBadImage(image: Word): void {
  const [, name] = SUFFIX.exec(image.text) ?? [];
  const slash = name?.indexOf('/') ?? -1;
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasDomain = /[.:A-Z]/.test(first) || first === 'localhost';
  const path = hasDomain ? name.slice(slash + 1) : name;
  if (name !== undefined && PATH.test(path) && (!hasDomain || DOMAIN.test(first))) return;
  // An option behind it is one of the program in the container, so the image is where it was forgotten.
  const wanted = /[A-Z]/.test(path ?? '') ? 'a name in lower case' : 'an image, such as nginx:1.27 or ghcr.io/team/web';
  throw new CommandFault(image, `"${image.text}" is no name of an image`, wanted);
}

const POLICIES: readonly string[] = ['no', 'always', 'unless-stopped', 'on-failure'];

function restartPolicy(word: Word | undefined, isRemoved: boolean): RestartPolicy {
  if (word === undefined || word.text === '') return 'no';
  const [, policy, retries] = /^([^:]*)(?::(.*))?$/s.exec(word.text) ?? [];
  const wanted = 'no, always, unless-stopped or on-failure[:RETRIES]';
  if (!POLICIES.includes(policy)) {
    const near = nearest(policy, POLICIES);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    throw new CommandFault(word, `"${word.text}" is no restart policy${hint}`, wanted);
  }
  if (retries !== undefined && !(policy === 'on-failure' ? /^\d+$/ : /^[-+]?\d+$/).test(retries))
    throw new CommandFault(word, `"${retries}" is no number of retries`, wanted);
  if (isRemoved && policy !== 'no')
    throw new CommandFault(word, '--restart and --rm exclude each other', 'one of them');
  return policy as RestartPolicy;
}

/** Only links on the default bridge change rules; on other networks they are names. */
function linksIn(flags: Flags, endpoints: readonly EndpointSpec[]): string[] {
  const links = flags.all('link').map((word) => {
    const parts = word.text.split(':');
    if (parts.length > 2 || parts[0] === '')
      throw new CommandFault(word, `--link takes no "${word.text}"`, 'NAME[:ALIAS]');
    return parts[0].replace(/^\//, '');
  });
  return endpoints.some(({ network }) => network === 'bridge') ? links : [];
}

/** What a container without networks of its own cannot have (moby, runconfig: validateNetMode). */
function refuseForMode(flags: Flags, { networkMode }: ContainerSpec): void {
  if (networkMode === 'host' && flags.last('link') !== undefined)
    throw new CommandFault(flags.all('link')[0], '--link does not go with the network of the host', 'no --link');
  if (!networkMode.startsWith('container:')) return;
  const refused = flags.firstOf([
    'hostname',
    'link',
    'publish',
    'publish-all',
    'expose',
    'mac-address',
    'dns',
    'add-host',
  ]);
  if (refused === undefined) return;
  const what = `--${refused.name} does not go with the network of another container`;
  throw new CommandFault(refused.word, what, `no --${refused.name}`);
}
