/** The parts of a case that are texts: its host, rules, sets, connections and options, replaced. */
import type { HostSource } from '../../codecs/host/parse-host.js';
import type { Ruleset } from '../../core/rules/model.js';
import { readHostAt } from '../../io/host-files.js';
import { readText } from '../../io/text-file.js';
import type { PlannedAction } from '../changes/planned-change.js';
import { type HostCommand, isCommand, readCommands } from '../commands/host-command.js';
import { dockerBridges } from '../docker-bridges.js';
import { type GoldenCase, optionsOf } from '../golden-case.js';
import { hostRules } from '../host-rules.js';
import { HOST_CONNTRACK } from '../listed-connections.js';
import { loadHostAddresses } from '../names.js';
import type { ReplayOptions } from '../replay.js';
import { readRulesFiles } from '../rules-files.js';
import { loadSetting, type Setting } from '../setting.js';
import { replaceAllAddressesIn } from './addresses-in-text.js';
import { replaceConnections } from './connection-texts.js';
import { replaceExpectation } from './expectation-texts.js';
import { replaceHost } from './host-json.js';
import { type CommandContext, replaceCommand, replaceFilter, replaceWhen } from './option-texts.js';
import type { Replacer } from './replacer.js';
import { chainsOf, type RulesReading, readShared, replaceRules } from './rules-texts.js';
import { replaceSetLines, type SetTypes } from './set-texts.js';

/** A text of the shared case. */
export interface TextPart {
  readonly name: string;
  readonly text: string;
  /** Of rules, which are still to be put in order: whether they have counters. */
  readonly rules?: { readonly counts: boolean };
}

export interface TextParts {
  readonly files: readonly TextPart[];
  /** Those of case.json, but for captures. */
  readonly options: readonly string[];
  /** The text of expect.yaml, if there is one. */
  readonly expect: string | undefined;
}

/** A case that was read, to be replaced as often as needed. */
export class SharedTexts {
  readonly golden: GoldenCase;
  readonly options: ReplayOptions;
  readonly setting: Setting;
  readonly source: HostSource;
  readonly reading: RulesReading;
  /** The names of chains, of all rules. */
  readonly chains: ReadonlySet<string>;
  readonly #commands: readonly HostCommand[];

  /** @throws as `replay` does of what it cannot read */
  constructor(golden: GoldenCase) {
    this.golden = golden;
    this.options = optionsOf(golden);
    this.setting = loadSetting(this.options);
    this.source = readHostAt(this.options.hostPath);
    const { lax = false, namesPath, guess } = this.options;
    const { description } = this.source;
    this.reading = {
      ...{ lax, names: description.facts.names, backend: this.setting.backend },
      ...(namesPath === undefined ? {} : { hostNames: loadHostAddresses(namesPath) }),
      ...(guess === undefined ? {} : { guess: { guess, bridges: dockerBridges(description) } }),
    };
    this.#commands = (this.options.apply ?? []).flatMap((given, i) => readCommands(given, i + 1, this.options));
    this.chains = this.#allChains();
  }

  #allChains(): Set<string> {
    const chains = chainsOf(this.setting.ruleset);
    for (const name of chainsOf(readShared(this.#sources(), this.reading))) chains.add(name);
    for (const { action } of this.setting.changes) {
      if ('ruleset' in action) for (const name of chainsOf(action.ruleset)) chains.add(name);
      if (action.kind === 'commands') for (const name of newChains(action.commands)) chains.add(name);
    }
    for (const name of newChains(this.#commands)) chains.add(name);
    return chains;
  }

  /** All rules, also those of later. */
  get rulesets(): Ruleset[] {
    const { ruleset, changes } = this.setting;
    return [ruleset, ...changes.flatMap(({ action }) => ('ruleset' in action ? [action.ruleset] : []))];
  }

  #sources() {
    const { rulesPath, hostPath } = this.options;
    if (rulesPath !== undefined) return readRulesFiles(rulesPath);
    const own = hostRules(this.source.description, hostPath);
    return [{ text: own.text, file: own.path }];
  }

  /** The texts, with what REPLACER makes of them. */
  parts(replacer: Replacer): TextParts {
    const context: CommandContext = { chains: this.chains, setTypes: new Map() };
    const files: TextPart[] = [];
    const options: string[] = ['--backend', this.setting.backend];
    const { keepCounters = false, conntrackPath, ipsetPaths = [], namesPath, expectCounters = [] } = this.options;
    files.push({ name: 'host.json', text: this.#host(this.source, replacer, context.setTypes) });
    files.push({
      name: 'rules.v4',
      text: replaceRules(this.#sources(), this.reading, replacer, keepCounters),
      rules: { counts: keepCounters },
    });
    if (conntrackPath === HOST_CONNTRACK) options.push('--conntrack', HOST_CONNTRACK);
    else if (conntrackPath !== undefined)
      files.push({ name: 'conntrack.txt', text: replaceConnections(readText(conntrackPath), replacer) });
    for (const [i, path] of ipsetPaths.entries()) {
      files.push({ name: `sets-${i + 1}.txt`, text: replaceSetLines(readText(path), replacer, context.setTypes) });
      options.push('--ipset', `sets-${i + 1}.txt`);
    }
    this.#addCommands(replacer, context, files, options);
    if (namesPath !== undefined) {
      files.push({ name: 'names.txt', text: replaceNames(readText(namesPath), replacer) });
      options.push('--names', 'names.txt');
    }
    for (const [i, path] of expectCounters.entries()) {
      const text = replaceRules([{ text: readText(path), file: path }], { ...this.reading, lax: true }, replacer, true);
      files.push({ name: `counters-${i + 1}.v4`, text, rules: { counts: true } });
      options.push('--expect-counters', `counters-${i + 1}.v4`);
    }
    this.#addChanges(replacer, context, files, options);
    options.push(...this.#plainOptions(replacer));
    return { files, options, expect: this.#expect(replacer) };
  }

  #expect(replacer: Replacer): string | undefined {
    const { expectPath } = this.golden;
    if (expectPath === undefined) return undefined;
    const comments = this.rulesets.flatMap(({ tables }) =>
      tables.flatMap(({ rules }) => rules.flatMap(({ comment }) => comment ?? [])),
    );
    const context = { chains: this.chains, comments: [...new Set(comments)] };
    return replaceExpectation(readText(expectPath), expectPath, replacer, context);
  }

  #host(source: HostSource, replacer: Replacer, setTypes: SetTypes, rules?: string): string {
    const { json, description } = source;
    const texts = (['ipset', 'conntrack'] as const).filter(
      (member) => member === 'ipset' || this.options.conntrackPath === HOST_CONNTRACK,
    );
    const { facts, texts: given } = description;
    const members = replaceHost({ json, names: facts.names, containers: given.names, setTypes, texts }, replacer);
    return `${JSON.stringify({ ...members, ...(rules === undefined ? {} : { iptables: rules }) }, undefined, 2)}\n`;
  }

  #addCommands(replacer: Replacer, context: CommandContext, files: TextPart[], options: string[]): void {
    for (const [i, given] of (this.options.apply ?? []).entries()) {
      const commands = readCommands(given, i + 1, this.options);
      const texts = commands.map((command) => replaceCommand(command, replacer, context));
      if (isCommand(given)) options.push('--apply', ...texts);
      else {
        files.push({ name: `commands-${i + 1}.sh`, text: `${texts.join('\n')}\n` });
        options.push('--apply', `commands-${i + 1}.sh`);
      }
    }
  }

  #addChanges(replacer: Replacer, context: CommandContext, files: TextPart[], options: string[]): void {
    this.#addSavedRules(replacer, files, options);
    for (const [i, { whenText, what, action }] of this.setting.changes.entries()) {
      if (action.kind === 'written snapshot') continue;
      const when = replaceWhen(whenText, replacer);
      const isTyped = action.kind === 'commands' && isCommand(what);
      if (isTyped) options.push('--at', `${when}=${replaceCommand(action.commands[0], replacer, context)}`);
      else {
        const file = this.#change(action, what, i + 1, replacer, context);
        files.push(file);
        options.push('--at', `${when}=${action.kind === 'snapshot' ? 'snapshot:' : ''}${file.name}`);
      }
    }
  }

  /** What the iptables service loads, if a command starts it. */
  #addSavedRules(replacer: Replacer, files: TextPart[], options: string[]): void {
    const { changes, life } = this.setting;
    const isUsed = changes.some(({ action }) => action.kind === 'commands' && action.commands.some(({ host }) => host));
    if (life.savedRules === undefined || !isUsed) return;
    const text = replaceRules([life.savedRules], this.reading, replacer, false);
    files.push({ name: 'saved.v4', text, rules: { counts: false } });
    options.push('--service-rules', 'saved.v4');
  }

  #change(
    action: Exclude<PlannedAction, { kind: 'written snapshot' }>,
    what: string,
    number: number,
    replacer: Replacer,
    context: CommandContext,
  ): TextPart {
    switch (action.kind) {
      case 'rules': {
        const { guess: _, ...reading } = this.reading;
        return {
          name: `rules-${number + 1}.v4`,
          text: replaceRules(action.sources, reading, replacer, false),
          rules: { counts: false },
        };
      }
      case 'sets':
        return { name: `change-${number}.txt`, text: replaceSetLines(action.text, replacer, context.setTypes) };
      case 'commands': {
        const texts = action.commands.map((command) => replaceCommand(command, replacer, context));
        return { name: `change-${number}.sh`, text: `${texts.join('\n')}\n` };
      }
      case 'snapshot': {
        const path = what.slice('snapshot:'.length);
        const source = readHostAt(path);
        const own = hostRules(source.description, path);
        const { guess: _, ...reading } = this.reading;
        const rules = replaceRules([{ text: own.text, file: own.path }], reading, replacer, false);
        return { name: `host-${number + 1}.json`, text: this.#host(source, replacer, context.setTypes, rules) };
      }
    }
  }

  /** Those that name no file. */
  #plainOptions(replacer: Replacer): string[] {
    const { filter, show, from, to, limit, seed, nfqueue, lax, keepCounters, expectEgress, logTime, engine } =
      this.options;
    const { checksums } = this.golden.options;
    const names = [...new Set(this.setting.names.values())];
    const valued = (option: string, value: string | number | undefined): string[] =>
      value === undefined ? [] : [option, String(value)];
    const flag = (option: string, isSet: boolean | undefined): string[] => (isSet ? [option] : []);
    return [
      ...valued('--filter', filter && replaceFilter(filter, replacer, names)),
      ...valued('--show', show && replaceFilter(show, replacer, names)),
      ...valued('--from', from && replaceWhen(from, replacer)),
      ...valued('--to', to && replaceWhen(to, replacer)),
      ...valued('--limit', limit),
      ...valued('--seed', seed),
      ...valued('--nfqueue', nfqueue),
      ...valued('--checksums', checksums),
      ...valued('--engine', engine),
      ...flag('--lax', lax),
      ...flag('--strict', this.golden.isStrict),
      ...flag('--keep-counters', keepCounters),
      ...flag('--expect-egress', expectEgress),
      ...flag('--log-time', logTime),
    ];
  }
}

const NEW_CHAIN = ['-N', '--new-chain', '-E', '--rename-chain'];

/** The names that COMMANDS give to chains. */
function newChains(commands: readonly HostCommand[]): string[] {
  return commands.flatMap(({ words }) =>
    words.flatMap(({ text }, at) =>
      NEW_CHAIN.includes(text) ? words.slice(at + 1, at + 3).map((word) => word.text) : [],
    ),
  );
}

/** The replacement of TEXT, a file like /etc/hosts. Comments are left out. */
function replaceNames(text: string, replacer: Replacer): string {
  const lines = text.split(/\r?\n/).flatMap((line) => {
    const [address, ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    if (address === '' || names.length === 0) return [];
    return [[replaceAllAddressesIn(address, replacer), ...names.map((name) => replacer.named('name', name))].join(' ')];
  });
  return `${lines.join('\n')}\n`;
}
