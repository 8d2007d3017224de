/** Takes a case apart. */
import { isIpsetCommands } from '../../codecs/ipset-save.js';
import { Linktype } from '../../codecs/linktypes.js';
import { ShellFault, splitCommands } from '../../codecs/shell-words.js';
import { baseName } from '../../core/rules/forms/command-words.js';
import { foreignForm } from '../../core/rules/forms/read-rules.js';
import { loadedCounters } from '../../core/rules/loaded-counters.js';
import { saveRuleset } from '../../core/rules/save.js';
import type { CapturePaths } from '../../io/capture-file.js';
import { filesOfHost, readHostDocument } from '../../io/host-files.js';
import { fileWithin, pathWithin } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { withFoundCaptures } from '../../replay/captures.js';
import { folderToWrite } from '../../replay/changes/planned-change.js';
import { isCommand } from '../../replay/commands/host-command.js';
import { type GoldenCase, optionsOf } from '../../replay/golden-case.js';
import { HOST_CONNTRACK } from '../../replay/listed-connections.js';
import type { ReplayOptions } from '../../replay/replay.js';
import { GENERATOR } from '../../replay/result-files.js';
import { readRulesFiles, rulesFilesOf } from '../../replay/rules-files.js';
import { selectionOf } from '../../replay/selection.js';
import { loadSetting } from '../../replay/setting.js';
import { version } from '../../replay/version.js';
import { type CapturedFrame, fitPcap, pcapngOf, pcapOf, readFrames } from './captured-frames.js';
import type { CaseModel, ModelFile, ModelOption } from './case-model.js';
import { FrameOrder } from './frame-order.js';
import { HostMembers } from './host-members.js';
import { INTERFACES, NameUnits } from './names.js';
import { plainLines, ruleLines, setLines, type TextLines } from './text-lines.js';
import { type Selection, Units } from './units.js';

/**
 * Reads GOLDEN and takes it apart.
 * @throws {FileError} {HostError} {RulesetError} {CaptureError} {ReplayOptionsError} if a part cannot be read
 */
export function readModel(golden: GoldenCase): CaseModel {
  return new CaseReader(golden).read();
}

const HOST = 'host.json';
const ENGINE = 'docker.json';
const RULES = 'rules.v4';
const CONNTRACK = 'conntrack.txt';

/** Forms of rules of which lines can be left out. */
const LINE_FORMS: readonly (string | undefined)[] = [
  undefined,
  'the output of iptables -S',
  'a script of commands',
  'text as Windows writes it',
];

class CaseReader {
  readonly #golden: GoldenCase;
  readonly #options: ReplayOptions;
  readonly #units = new Units();
  readonly #names = new NameUnits(this.#units);
  readonly #files: ModelFile[] = [];
  readonly #words: ModelOption[] = [];
  readonly #notes: string[] = [];
  readonly #taken = new Set<string>([HOST, ENGINE, RULES, CONNTRACK, 'case.json', 'expect.yaml', 'stitch.pcap']);
  /** The units of options that change something while packets flow. */
  readonly #changes: number[] = [];
  /** Texts with commands, which may name files. */
  readonly #commands: string[] = [];
  #backend: ReplayOptions['backend'];
  #order!: FrameOrder;

  constructor(golden: GoldenCase) {
    this.#golden = golden;
    this.#options = withFoundCaptures(optionsOf(golden)).options;
  }

  read(): CaseModel {
    this.#readHost();
    // Sets are made before rules refer to them.
    for (const path of this.#options.ipsetPaths ?? []) this.#addIpset(path);
    this.#readRules();
    this.#readCaptures();
    const limits = this.#readChoices();
    for (const given of this.#options.apply ?? []) this.#addApply(given);
    for (const given of this.#options.changes ?? []) this.#addChange(given);
    this.#addEngine();
    this.#addConntrack();
    this.#addNamedFiles();
    return {
      ...{ golden: this.#golden, units: this.#units, files: this.#files, options: this.#words, order: this.#order },
      unselected: { frames: this.#unselected(), options: limits },
      notes: this.#notes,
    };
  }

  #readHost(): void {
    const { hostPath } = this.#golden;
    const host = new HostMembers(readHostDocument(hostPath).json, HOST, this.#names);
    if (baseName(hostPath) !== HOST) this.#notes.push(`${this.#nameIn(hostPath)} as ${HOST}`);
    this.#files.push({ name: HOST, units: host.units, content: (selection) => host.textOf(selection) });
  }

  #readRules(): void {
    const { rulesPath } = this.#golden;
    if (rulesPath === undefined) return;
    const sources = readRulesFiles(rulesPath);
    const foreign = sources.map(foreignForm).find((form) => !LINE_FORMS.includes(form));
    if (sources.length === 1 && sources[0].table === undefined && foreign === undefined) {
      this.#addLines(RULES, ruleLines(sources[0].text, RULES, this.#names));
      return;
    }
    const setting = loadSetting({ ...this.#options, apply: [], changes: [] });
    const counters = this.#options.keepCounters ? loadedCounters(setting.ruleset, sources) : undefined;
    const text = saveRuleset(setting.ruleset, counters);
    const form = foreign ?? `${sources.length} files`;
    this.#notes.push(`the rules, ${form}, as iptables-save prints them (${RULES})`);
    this.#backend = setting.backend;
    this.#addLines(RULES, ruleLines(text, RULES, this.#names));
  }

  #addLines(name: string, lines: TextLines, isLeftOutEmpty = false): void {
    this.#files.push({
      ...{ name, units: lines.units },
      content: (selection) => {
        const text = lines.textOf(selection);
        return isLeftOutEmpty && text.trim() === '' ? undefined : text;
      },
      unitsAt: (selection, wanted) => lines.unitsAt(selection, wanted),
    });
  }

  #readCaptures(): void {
    const { inputs = [], stitchPaths = [], captures = [] } = this.#options;
    const all: { path: CapturePaths; iface?: string | undefined; option?: string }[] = [
      ...inputs.map(({ path, iface }) => ({ path, iface })),
      ...stitchPaths.map((path) => ({ path, option: '--stitch' })),
      ...captures.map(({ path, iface }) => ({ path, iface, option: '--capture' })),
    ];
    const frames = readFrames(all.map(({ path }) => path));
    const isPlaced = hasPlaces(inputs.map(({ iface }) => iface));
    const inputUnits = all.map(({ iface }) => {
      const unit = this.#units.add('input');
      if (iface !== undefined) this.#names.refersTo(`${HOST} ${INTERFACES}`, iface, unit);
      return unit;
    });
    this.#order = new FrameOrder(
      frames,
      frames.map(({ input }) => this.#units.add('packet', [inputUnits[input]])),
    );
    for (const [i, { iface, option }] of all.entries()) {
      const own = frames.flatMap((frame, at) => (frame.input === i ? [{ frame, unit: this.#order.units[at] }] : []));
      const isPcap = fitPcap(
        own.map(({ frame }) => frame),
        option !== '--capture' || iface !== undefined,
      );
      const suffix = isPcap ? 'pcap' : 'pcapng';
      const place = captureName(option, all.length, i, option === undefined && isPlaced ? iface : undefined);
      this.#addCapture(`${place}.${suffix}`, inputUnits[i], own, isPcap);
      if (place === 'stitch' && isPcap) continue;
      if (option === undefined && isPlaced) continue;
      const value = iface === undefined ? `${place}.${suffix}` : `${iface}=${place}.${suffix}`;
      this.#words.push({ unit: inputUnits[i], words: () => [option ?? '--in', value] });
    }
  }

  #addCapture(
    name: string,
    input: number,
    frames: readonly { readonly frame: CapturedFrame; readonly unit: number }[],
    isPcap: boolean,
  ): void {
    const linktype = frames[0]?.frame.linktype ?? Linktype.ETHERNET;
    this.#files.push({
      ...{ name, units: [input, ...frames.map(({ unit }) => unit)] },
      content: (selection) => {
        if (!selection.has(input)) return undefined;
        const kept = frames.filter(({ unit }) => selection.has(unit)).map(({ frame }) => frame);
        return isPcap ? pcapOf(kept, linktype) : pcapngOf(kept, `${GENERATOR} ${version()}`);
      },
    });
  }

  /** The frames that are not replayed. */
  #unselected(): number[] {
    const selection = selectionOf(this.#options);
    const { limit = Number.POSITIVE_INFINITY } = this.#options;
    if (selection === undefined && limit === Number.POSITIVE_INFINITY) return [];
    if (selection !== undefined) selection.useNames(loadSetting(this.#options).names);
    let taken = 0;
    return this.#order.frames.flatMap((frame, i) => {
      const isTaken =
        taken < limit && (selection === undefined || (!selection.isOver && selection.takes(recordOf(frame))));
      if (isTaken) taken++;
      return isTaken ? [] : [this.#order.units[i]];
    });
  }

  /** Adds the options that are words only; returns the units of those that leave out packets. */
  #readChoices(): number[] {
    const { backend = this.#backend, guess, show, seed, nfqueue, checksums, engine, namesPath } = this.#golden.options;
    const { lax, keepCounters, expectEgress, logTime, expectCounters = [], serviceRulesPath } = this.#golden.options;
    const valued = { backend, show, seed, nfqueue, checksums, engine };
    for (const [name, value] of Object.entries(valued))
      if (value !== undefined) this.#addOption(() => [`--${name}`, `${value}`]);
    const isGuessed = guess !== undefined && this.#notes.every((note) => !note.startsWith('the rules'));
    if (isGuessed) this.#addOption(() => ['--guess', guess]);
    const flags = { lax, 'keep-counters': keepCounters, 'expect-egress': expectEgress, 'log-time': logTime };
    for (const [name, isSet] of Object.entries({ ...flags, strict: this.#golden.isStrict }))
      if (isSet) this.#addOption(() => [`--${name}`]);
    if (namesPath !== undefined) this.#addBlob('--names', namesPath);
    if (serviceRulesPath !== undefined) this.#addBlob('--service-rules', serviceRulesPath);
    for (const path of expectCounters) this.#addBlob('--expect-counters', path);
    return this.#readLimits();
  }

  #readLimits(): number[] {
    const { filter, from, to, limit } = this.#golden.options;
    const order = () => this.#order;
    return [
      ...(filter === undefined ? [] : [this.#addOption(() => ['--filter', filter])]),
      ...(from === undefined ? [] : [this.#addOption((kept) => ['--from', order().rewritten(from, kept)])]),
      ...(to === undefined ? [] : [this.#addOption((kept) => ['--to', order().rewritten(to, kept, true)])]),
      ...(limit === undefined ? [] : [this.#addOption(() => ['--limit', `${limit}`])]),
    ];
  }

  #addOption(words: ModelOption['words']): number {
    const unit = this.#units.add('option');
    this.#words.push({ unit, words });
    return unit;
  }

  #addBlob(option: string, path: string): void {
    const name = this.#freeName(path);
    const unit = this.#addOption(() => [option, name]);
    this.#addText(name, readText(path), [unit]);
  }

  /** A file that stays as it is. */
  #addText(name: string, text: string, units: readonly number[] = []): void {
    this.#files.push({
      ...{ name, units },
      content: (selection) => (units.every((unit) => selection.has(unit)) ? text : undefined),
    });
  }

  #addIpset(path: string): void {
    const name = this.#freeName(path);
    const unit = this.#addOption(() => ['--ipset', name]);
    this.#addOptional(name, unit, setLines(readText(path), this.#names, [unit]));
  }

  /** A file that is there while the option UNIT is. */
  #addOptional(name: string, unit: number, lines: TextLines): void {
    this.#files.push({
      ...{ name, units: [unit, ...lines.units] },
      content: (selection) => (selection.has(unit) ? lines.textOf(selection) : undefined),
      unitsAt: (selection, wanted) => lines.unitsAt(selection, wanted),
    });
  }

  #addApply(given: string): void {
    if (isCommand(given)) {
      this.#commands.push(given);
      this.#addOption(() => ['--apply', given]);
      return;
    }
    const name = this.#freeName(given);
    const unit = this.#addOption(() => ['--apply', name]);
    this.#addFileOf(given, name, unit);
  }

  #addFileOf(path: string, name: string, unit: number): void {
    const text = readText(path);
    this.#commands.push(text);
    const lines = isIpsetCommands(text)
      ? setLines(text, this.#names, [unit])
      : ruleLines(text, name, this.#names, [unit]);
    this.#addOptional(name, unit, lines);
  }

  #addChange(given: string): void {
    if (folderToWrite(given) !== undefined) return;
    const at = given.indexOf('=');
    const [when, what] = [given.slice(0, at), given.slice(at + 1)];
    const add = (value: string): number => {
      const unit = this.#addOption((kept) => ['--at', `${this.#order.rewritten(when, kept)}=${value}`]);
      this.#changes.push(unit);
      return unit;
    };
    if (isCommand(what)) {
      this.#commands.push(what);
      add(what);
      return;
    }
    if (what.startsWith(SNAPSHOT)) {
      this.#addSnapshot(what.slice(SNAPSHOT.length), add);
      return;
    }
    const files = rulesFilesOf(what).map(({ path, table }) => {
      const name = this.#freeName(path);
      return { path, name, value: table === undefined ? name : `${table}=${name}` };
    });
    const unit = add(files.map(({ value }) => value).join(','));
    for (const { path, name } of files) this.#addFileOf(path, name, unit);
  }

  #addSnapshot(path: string, add: (value: string) => number): void {
    const name = this.#freeName(`${baseName(path).replace(/\.\w+$/, '')}.json`);
    const unit = add(`${SNAPSHOT}${name}`);
    const host = new HostMembers(readHostDocument(path).json, name, this.#names, [unit]);
    this.#notes.push(`${this.#nameIn(path)} as ${name}`);
    this.#files.push({
      ...{ name, units: [unit, ...host.units] },
      content: (selection) => (selection.has(unit) ? host.textOf(selection) : undefined),
    });
  }

  /** What the engine of the host knows stays as it is, as long as something changes while packets flow. */
  #addEngine(): void {
    const path = filesOfHost(this.#golden.hostPath).find((one) => baseName(one) === ENGINE);
    const units = this.#changes;
    if (path === undefined || units.length === 0) return;
    const text = readText(path);
    const isUsed = (selection: Selection): boolean => units.some((unit) => selection.has(unit));
    this.#files.push({ name: ENGINE, units, content: (selection) => (isUsed(selection) ? text : undefined) });
  }

  #addConntrack(): void {
    const { conntrackPath } = this.#golden;
    if (conntrackPath === undefined) return;
    if (conntrackPath === HOST_CONNTRACK) this.#addOption(() => ['--conntrack', HOST_CONNTRACK]);
    else this.#addLines(CONNTRACK, plainLines(readText(conntrackPath), 'connection', this.#names), true);
  }

  /** Other files of the case that commands name (`iptables-restore FILE`). */
  #addNamedFiles(): void {
    const { dir } = this.#golden;
    for (const word of this.#commands.flatMap(wordsOfCommands)) {
      const name = fileWithin(dir, word);
      if (name === undefined || this.#taken.has(name)) continue;
      this.#taken.add(name);
      this.#addText(name, readText(`${dir}/${name}`));
    }
  }

  /** What messages call the file at PATH. */
  #nameIn(path: string): string {
    return pathWithin(this.#golden.dir, path) ?? baseName(path);
  }

  /** The name of the file at PATH in the smaller case. */
  #freeName(path: string): string {
    const wanted = this.#nameIn(path);
    const [, stem, suffix] = /^(.*?)((?:\.[^/]*)?)$/s.exec(wanted) ?? [wanted, wanted, ''];
    let name = wanted;
    for (let i = 2; this.#taken.has(name); i++) name = `${stem}-${i}${suffix}`;
    this.#taken.add(name);
    return name;
  }
}

const SNAPSHOT = 'snapshot:';

/** The words of the commands in TEXT; none if it is no script. */
function wordsOfCommands(text: string): string[] {
  try {
    return splitCommands(text).flatMap((words) => words.map((word) => word.text));
  } catch (fault) {
    if (fault instanceof ShellFault) return [];
    throw fault;
  }
}

/** FRAME with the members of a capture's record. */
function recordOf({ bytes, ...frame }: CapturedFrame) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { ...frame, bytes, view, at: 0, caplen: bytes.length, interfaceIndex: 0 };
}

/** Whether captures of IFACES are found by their names, in the same order. */
function hasPlaces(ifaces: readonly string[]): boolean {
  return ifaces.every((iface, i) => isPlainName(iface) && (i === 0 || `${ifaces[i - 1]}.pcap` < `${iface}.pcap`));
}

const isPlainName = (iface: string): boolean => !iface.startsWith('.') && !/[/\0]|\.pcap/.test(iface);

/** The name, without its suffix, of the capture INDEX of COUNT. IFACE: if it is found by that. */
function captureName(option: string | undefined, count: number, index: number, iface: string | undefined): string {
  if (iface !== undefined) return `in/${iface}`;
  if (option === '--stitch' && count === 1) return 'stitch';
  return `in/${(option ?? '--in').slice(2)}-${index + 1}`;
}
