/** A host with a Docker engine, made of what `nfreplay docker` is given. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import { objectIn } from '../../codecs/host/lenient-values.js';
import type { Word } from '../../codecs/iptables-save.js';
import { formatNotes, readAllRules } from '../../core/rules/forms/merge.js';
import type { RulesSource } from '../../core/rules/forms/read-rules.js';
import type { Backend } from '../../core/rules/model.js';
import { saveRuleset } from '../../core/rules/save.js';
import type { Command, DockerAction } from '../../docker/commands/action.js';
import type { ComposeRequest } from '../../docker/commands/context.js';
import { CommandFault } from '../../docker/commands/fault.js';
import { type CommandResult, type DockerHost, dockerHost, newDockerState } from '../../docker/docker-host.js';
import { UnsupportedError } from '../../docker/error.js';
import { contradictions } from '../../docker/firewall/release-signs.js';
import { inspectedEngine, likelyRelease } from '../../docker/inspect/inspected-state.js';
import { startInspected } from '../../docker/inspect/start-inspected.js';
import type { DaemonOptions, DockerState } from '../../docker/model.js';
import { OfflineHost } from '../../docker/offline-host.js';
import { formatRelease, isSince, newestRelease, parseRelease, type Release } from '../../docker/releases.js';
import { readText } from '../../io/text-file.js';
import { backendOf } from '../changes/planned-change.js';
import { NotFollowedError, ReplayOptionsError } from '../errors.js';
import { bareHost, DEFAULT_INTERFACE, parseInterface } from './bare-host.js';
import { loadComposeProject } from './compose-files.js';
import { describedEngine, type LikelyRelease, ownRules, releaseOfHost } from './described-engine.js';
import { type DockerSource, dockerSource } from './docker-source.js';
import { firewallRules } from './firewall-file.js';
import { commandsOfOption, commandsOfScript, fileContext, type TypedCommand } from './typed-commands.js';
import { portNotes } from './unpublished-ports.js';

export interface DockerHostOptions {
  /** A compose file, what docker inspect printed, or a host with Docker on it; undefined: none. */
  readonly source?: string;
  /** More files of the same kind: of compose, or of docker inspect. */
  readonly moreSources?: readonly string[];
  /** `-f`: compose files, behind SOURCE. */
  readonly composeFiles?: readonly string[];
  readonly projectName?: string;
  readonly profiles?: readonly string[];
  readonly envFiles?: readonly string[];
  /** Lines, such as `docker run …`. */
  readonly runs?: readonly string[];
  readonly scriptPath?: string;
  /** The options that the engine starts with, as behind `dockerd`. */
  readonly daemonOptions?: string;
  readonly release?: string;
  readonly backend?: Backend;
  /** Values of `--interface`. */
  readonly interfaces?: readonly string[];
  /** The rules before the engine starts. */
  readonly firewallPath?: string;
  readonly wasForwarding?: boolean;
}

/** A command that failed, or said something that may differ on a real host. */
export interface CommandReport {
  /** `setup.sh:3`, `--run 2`, `docker compose up`. */
  readonly place: string;
  /** The command as it was typed. */
  readonly text: string;
  readonly result: CommandResult;
}

export interface MadeDockerHost {
  readonly state: DockerState;
  readonly host: OfflineHost;
  /** What failed as it would fail on the real host. */
  readonly failed: readonly CommandReport[];
  /** For people. */
  readonly assumed: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Makes the host that OPTIONS ask for.
 * @throws {ReplayOptionsError} {CommandError} {ComposeError} {HostError} {RulesetError} {FileError} {NotFollowedError}
 */
export function makeDockerHost(options: DockerHostOptions): MadeDockerHost {
  return new HostMaker(options).make();
}

class HostMaker {
  readonly #options: DockerHostOptions;
  readonly #assumed: string[] = [];
  readonly #notes: string[] = [];
  readonly #failed: CommandReport[] = [];
  readonly #source: DockerSource | undefined;
  /** Whether only containers that run are known. */
  #isPartial = false;

  constructor(options: DockerHostOptions) {
    this.#options = options;
    this.#source = sourceOf(options);
  }

  make(): MadeDockerHost {
    const release = this.#release();
    const typed = this.#typed(release);
    const { docker, host } = this.#start(release, typed);
    for (const one of typed) this.#carryOut(docker, one);
    const brief = typed.find(({ command }) => mayEndSoon(command));
    if (brief !== undefined) this.#assumed.push(`containers run until they are stopped, that of ${brief.place}, too`);
    this.#notes.push(...portNotes(docker.state));
    return {
      state: docker.state,
      host,
      failed: this.#failed,
      assumed: this.#assumed,
      notes: [...new Set(this.#notes)],
    };
  }

  #release(): Release {
    const { release: given } = this.#options;
    const source = this.#source;
    const state = source?.kind === 'host' ? source.state : undefined;
    if (state !== undefined && given !== undefined && formatRelease(parse(given)) !== state.release)
      throw new ReplayOptionsError(`--release ${given}: the engine of this host is ${state.release}`);
    if (state !== undefined) return parse(state.release);
    const likely = likelyReleaseOf(source);
    const release = likely?.release ?? newestRelease();
    if (given === undefined)
      this.#assumed.push(`Docker ${formatRelease(release)}, ${likely?.why ?? 'the newest'} (--release)`);
    const taken = given === undefined ? release : parse(given);
    const rules = source?.kind === 'host' ? (ownRules(source.host, source.path)?.text ?? '') : '';
    const wrong = contradictions(rules, taken);
    if (wrong.length > 0) {
      const other = given === undefined ? '' : `; ${formatRelease(release)} fits better`;
      this.#notes.push(`the rules are not those of Docker ${formatRelease(taken)}: ${wrong.join(', ')}${other}`);
    }
    return taken;
  }

  /** All commands, in order; each fault is found before one is carried out. */
  #typed(release: Release): TypedCommand[] {
    const { runs = [], scriptPath } = this.#options;
    const context = fileContext(release);
    return [
      ...this.#compose(release),
      ...runs.flatMap((run, i) => commandsOfOption(run, '--run', runs.length > 1 ? i + 1 : 0, context)),
      ...(scriptPath === undefined ? [] : commandsOfScript(readText(scriptPath), scriptPath, context)),
    ];
  }

  /** `docker compose up -d`, if compose files were given. */
  #compose(release: Release): TypedCommand[] {
    const { composeFiles = [], projectName, profiles = [], envFiles = [] } = this.#options;
    const own = this.#source?.kind === 'compose' ? this.#source.files : [];
    const files = [...own, ...composeFiles].map(wordOf);
    if (files.length === 0) return [];
    const request: ComposeRequest = {
      isStandalone: false,
      files,
      projectName: projectName === undefined ? undefined : wordOf(projectName),
      projectDirectory: undefined,
      envFiles: envFiles.map(wordOf),
      profiles,
      scale: new Map(),
      services: [],
      withDependencies: true,
      command: wordOf('up'),
    };
    const project = attempt(() => loadComposeProject(request, release));
    const action: DockerAction = { kind: 'compose up', project, removesOrphans: false };
    const words = ['docker', 'compose', 'up', '-d'].map(wordOf);
    return [{ command: { action, words, file: files[0].text, notes: project.notes }, place: files[0].text }];
  }

  /** The host before TYPED, which may get the start of the engine: before the first that needs it. */
  #start(release: Release, typed: TypedCommand[]): { docker: DockerHost; host: OfflineHost } {
    const source = this.#source;
    if (source?.kind === 'host') return this.#hostAsItIs(source, release);
    const { firewallPath } = this.#options;
    const given = firewallPath === undefined ? undefined : { text: readText(firewallPath), file: firewallPath };
    const isSaved = given !== undefined && /^# Generated by/m.test(given.text);
    const backend = this.#options.backend ?? (isSaved ? backendOf([given]) : usualBackend(release));
    const isSaid = this.#options.backend !== undefined || isSaved;
    if (!isSaid) this.#assumed.push(`iptables-${backend} (--backend)`);
    const rules = given === undefined ? '' : this.#rulesBefore(given, backend);
    const json = this.#bareHost();
    this.#notes.push('nobody but Docker is known to listen on the host itself (sockets in host.json)');
    const host = attempt(() => new OfflineHost({ backend, json, rules }));
    const state = withFirewall({ ...newDockerState(formatRelease(release), backend) }, rules, this.#assumed);
    if (source?.kind === 'inspect') {
      const engine = inspectedEngine(source.inspected);
      this.#notes.push(...engine.notes);
      const started = attempt(() => startInspected(state, engine, host, this.#daemonOptions(release)));
      for (const { result, text } of started.results) this.#report(source.path, text, result);
      this.#assumed.push('containers start in the order of their StartedAt, networks are made in that of Created');
      return { docker: started.docker, host };
    }
    const docker = dockerHost(state, host);
    this.#addStart(typed, release);
    return { docker, host };
  }

  /** The rules of `--firewall`, in whatever form. */
  #rulesBefore(given: RulesSource, backend: Backend): string {
    const ruleset = readAllRules([given], { family: 'ipv4', backend });
    this.#assumed.push(...formatNotes(ruleset, ruleset.assumed));
    this.#notes.push(...formatNotes(ruleset, ruleset.warnings));
    return saveRuleset(ruleset);
  }

  #bareHost(): JsonObject {
    const { interfaces = [], wasForwarding = false } = this.#options;
    if (interfaces.length === 0) this.#assumed.push(`the host is ${DEFAULT_INTERFACE} (--interface)`);
    const parsed = (interfaces.length === 0 ? [DEFAULT_INTERFACE] : interfaces).map(parseInterface);
    const twice = parsed.find(({ name }, i) => parsed.slice(0, i).some((other) => other.name === name));
    if (twice !== undefined) throw new ReplayOptionsError(`--interface ${twice.name} was given twice`);
    if (!wasForwarding) this.#assumed.push('ip_forward is off until the engine turns it on (--ip-forward-was-on)');
    return bareHost(parsed, wasForwarding);
  }

  /** A host on which Docker runs already. */
  #hostAsItIs(source: DockerSource & { kind: 'host' }, release: Release): { docker: DockerHost; host: OfflineHost } {
    const { host: description, state: known, path } = source;
    const { firewallPath, interfaces = [], wasForwarding = false } = this.#options;
    const why = `${path} is a host with its own rules and interfaces`;
    if (firewallPath !== undefined || interfaces.length > 0 || wasForwarding)
      throw new ReplayOptionsError(`--firewall, --interface and --ip-forward-was-on are for new hosts: ${why}`);
    this.#refuseDaemonOptions(why);
    const own = ownRules(description, path);
    const backend = this.#options.backend ?? known?.backend ?? own?.backend ?? 'nft';
    const rules = own?.text ?? '';
    const { texts, facts } = description.description;
    const sets = texts.ipset?.text ?? '';
    const { json } = description;
    const host = attempt(() => new OfflineHost({ backend, json, rules, sets, names: facts.names }));
    if (known !== undefined) return { docker: dockerHost(known, host), host };
    if (own === undefined)
      throw new ReplayOptionsError(`${path}: no rules of this host: give the output of docker inspect alone instead`);
    const fresh = newDockerState(formatRelease(release), backend);
    const engine = attempt(() => describedEngine(source, rules, fresh));
    this.#notes.push(...engine.notes);
    this.#assumed.push(...engine.assumed);
    this.#isPartial = engine.isPartial;
    return { docker: dockerHost(engine.state, host), host };
  }

  /** What `--dockerd` says. */
  #daemonOptions(release: Release): Partial<DaemonOptions> {
    const [start] = this.#dockerd(release);
    return start.command.action.kind === 'dockerd' ? start.command.action.options : {};
  }

  #dockerd(release: Release): TypedCommand[] {
    const line = `dockerd ${this.#options.daemonOptions ?? ''}`.trim();
    const context = fileContext(release);
    return commandsOfOption(line, '--dockerd', 0, context).map((one) => ({ ...one, place: 'dockerd' }));
  }

  #refuseDaemonOptions(why: string): void {
    if (this.#options.daemonOptions !== undefined) throw new ReplayOptionsError(`--dockerd: ${why}`);
  }

  /** Puts the start of the engine where it belongs among TYPED. */
  #addStart(typed: TypedCommand[], release: Release): void {
    const { daemonOptions } = this.#options;
    const start = typed.findIndex(({ command }) => startsEngine(command));
    const first = typed.findIndex(({ command }) => needsEngine(command));
    if (start >= 0 && (first < 0 || start < first)) {
      if (daemonOptions !== undefined)
        throw new ReplayOptionsError(`--dockerd: ${typed[start].place} starts the engine already`);
      return;
    }
    const at = first < 0 ? typed.length : first;
    if (at > 0 && at < typed.length) this.#assumed.push(`the engine starts before ${typed[at].place}, which needs it`);
    typed.splice(at, 0, ...this.#dockerd(release));
  }

  #carryOut(docker: DockerHost, { command, place }: TypedCommand): void {
    this.#notes.push(...command.notes);
    const { action } = command;
    if ('project' in action) this.#assumed.push(...(action.project.assumed ?? []));
    const isOfCompose = action.kind.startsWith('compose');
    if (isOfCompose && this.#isSnapshot()) throw new NotFollowedError(`${place}: ${NO_LABELS}`);
    const result = attempt(() => docker.carryOut(command), place);
    const [missing] = /No such container: .*/.exec(result.stderr) ?? [];
    if (this.#isPartial && missing !== undefined) {
      const why = 'containers that do not run are not in this description of the host; a new snapshot has them';
      throw new NotFollowedError(`${place}: ${missing}: ${why}`);
    }
    this.#report(place, command.words.map(({ text }) => text).join(' '), result);
  }

  /** Whether the host is one that a script of `nfreplay snapshot` has described. */
  #isSnapshot(): boolean {
    const source = this.#source;
    if (source?.kind !== 'host' || source.state !== undefined) return false;
    return source.inspected.containers.some(({ Config }) => objectIn(Config).Labels === undefined);
  }

  #report(place: string, text: string, result: CommandResult): void {
    this.#notes.push(...result.notes);
    if (result.exitCode !== 0) this.#failed.push({ place, text, result });
  }
}

const DESCRIBED: Readonly<Record<DockerSource['kind'], string>> = {
  compose: 'a compose file',
  inspect: 'what docker inspect printed',
  host: 'a host',
};

/** A and B, which are of the same kind. */
function together(a: DockerSource, b: DockerSource): DockerSource {
  if (a.kind === 'compose' && b.kind === 'compose') return { ...a, files: [...a.files, ...b.files] };
  if (a.kind !== 'inspect' || b.kind !== 'inspect') return a;
  const { containers, networks } = b.inspected;
  return {
    ...a,
    inspected: {
      containers: [...a.inspected.containers, ...containers],
      networks: [...a.inspected.networks, ...networks],
    },
  };
}

function sourceOf({
  source,
  moreSources: more = [],
  composeFiles = [],
  runs = [],
  scriptPath,
}: DockerHostOptions): DockerSource | undefined {
  if (source !== undefined) {
    const found = dockerSource(source);
    const others = more.map((path) => dockerSource(path));
    const odd = others.findIndex(({ kind }) => kind !== found.kind || kind === 'host');
    if (odd >= 0)
      throw new ReplayOptionsError(
        `${source} and ${more[odd]}: ${DESCRIBED[found.kind]} and ${DESCRIBED[others[odd].kind]}: expected several ` +
          'compose files, several files of docker inspect, or one host',
      );
    if (found.kind !== 'compose' && composeFiles.length > 0)
      throw new ReplayOptionsError(`-f adds compose files to one, and ${source} is none`);
    return [found, ...others].reduce(together);
  }
  if (composeFiles.length > 0 || runs.length > 0 || scriptPath !== undefined) return undefined;
  throw new ReplayOptionsError(
    'nothing to make a host of: expected a compose file, --run, --script, or a host with Docker',
  );
}

const wordOf = (text: string): Word => ({ text, line: 1, column: 1 });

/** Which iptables hosts have, mostly: distributions came to nf_tables in 2018 and 2019. */
function usualBackend(release: Release): Backend {
  return isSince(release, 18, 9) ? 'nft' : 'legacy';
}

function parse(release: string): Release {
  return attempt(() => parseRelease(release));
}

const NO_LABELS =
  'which containers are of which compose project is not known: a snapshot has no labels; name the containers ' +
  '(docker stop NAME)';

/** What the description of SOURCE says of its engine. */
function likelyReleaseOf(source: DockerSource | undefined): LikelyRelease | undefined {
  if (source?.kind === 'host') return releaseOfHost(source);
  const release = source?.kind === 'inspect' ? likelyRelease(source.inspected) : undefined;
  if (release === undefined) return undefined;
  return { release: parse(release), why: 'the newest whose docker inspect prints this' };
}

/** What ACTION returns; what cannot be followed is said to be at PLACE. */
function attempt<T>(action: () => T, place?: string): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof UnsupportedError || error instanceof CommandFault)) throw error;
    throw new NotFollowedError(place === undefined ? error.message : `${place}: ${error.message}`);
  }
}

/** STATE of a host whose RULES were there before Docker. */
function withFirewall(state: DockerState, rules: string, assumed: string[]): DockerState {
  if (rules === '') return state;
  const { tool, own } = firewallRules(rules);
  if (tool === undefined) {
    assumed.push('the iptables service loads what --firewall has when it starts');
    return { ...state, savedRules: rules };
  }
  if (tool === 'firewalld') assumed.push('all rules of --firewall are those of firewalld');
  return { ...state, otherRules: { [tool]: own } };
}

/** Whether COMMAND waits for its container, or is of the image that only greets. */
function mayEndSoon({ action, words }: Command): boolean {
  if (action.kind !== 'run') return false;
  const isDetached = words.some(({ text }) => /^(?:--detach(?:=true)?|-[a-zA-Z]*d[a-zA-Z]*)$/.test(text));
  return !isDetached || /(?:^|\/)hello-world(?::|$)/.test(action.spec.image);
}

function startsEngine({ action }: Command): boolean {
  if (action.kind === 'dockerd') return true;
  return (
    action.kind === 'service' && action.service === 'docker' && (action.does === 'start' || action.does === 'restart')
  );
}

const WITHOUT_ENGINE: readonly Command['action']['kind'][] = ['iptables', 'ipset', 'sysctl', 'service', 'reload'];

function needsEngine({ action }: Command): boolean {
  return action.kind !== 'dockerd' && !WITHOUT_ENGINE.includes(action.kind);
}
