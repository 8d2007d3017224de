/** The files and options of a case that replays what other options replay: for `nfreplay init`. */
import { basename, join } from 'node:path';
import { encodeText } from '../codecs/text.js';
import { type CapturePaths, listPaths } from '../io/capture-file.js';
import { companionsOf, filesOfHost, isHostFolder } from '../io/host-files.js';
import { isReadAgain, readText } from '../io/text-file.js';
import { type ChangeParts, changeParts, folderToWrite, isCommands } from './changes/planned-change.js';
import { commandError, commandsOf, type HostCommand, isCommand, typedCommands } from './commands/host-command.js';
import { withRestoredFiles } from './commands/restored-files.js';
import { HOST_CONNTRACK } from './listed-connections.js';
import type { ReplayOptions } from './replay.js';
import { type RulesFile, rulesFilesOf } from './rules-files.js';
import type { CaseContent, CaseFile } from './write-case.js';

/**
 * The case that replays what OPTIONS replay; patterns in them have been replaced by their files (`withFoundCaptures`).
 * Texts that can be read only once are read here. What has a place of its own in a case needs no option.
 * @throws {FileError} {InterruptedError} {CommandError} if a text cannot be read
 */
export function contentOf(options: ReplayOptions): CaseContent {
  const writer = new ContentWriter(options);
  return { files: writer.files, options: writer.options };
}

/** Places of a case that only these files may have. */
const RESERVED = [
  'host.json',
  'docker.json',
  'rules.v4',
  'conntrack.txt',
  'stitch.pcap',
  'case.json',
  'expect.yaml',
  'in',
  'want',
];

const CAPTURE_SUFFIX = /\.pcap(?:ng)?(?:\d*)((?:\.gz|\.zst)?)$/i;

class ContentWriter {
  readonly files: CaseFile[] = [];
  readonly options: string[] = [];
  readonly #live: { hasEnded?: () => boolean };
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>(RESERVED);

  constructor(options: ReplayOptions) {
    this.#live = options.hasEnded === undefined ? {} : { hasEnded: options.hasEnded };
    this.#addHost(options.hostPath);
    this.#addRules(options.rulesPath);
    this.#addCaptures(options);
    this.#addSetting(options);
    this.#addChoices(options);
  }

  #addHost(path: string): void {
    if (isHostFolder(path)) {
      this.#option('--host', this.#addFolder(path, 'host'));
      return;
    }
    const text = this.#read(path);
    for (const companion of companionsOf(path)) this.#copy(basename(companion), companion);
    if (/^\ufeff?\s*\{/.test(text)) this.#write('host.json', text);
    else this.#option('--host', this.#addText(path, 'host.txt', text));
  }

  #addRules(given: string | undefined): void {
    if (given === undefined) return;
    const files = rulesFilesOf(given);
    const [{ path, table }] = files;
    const text = files.length === 1 && table === undefined ? this.#read(path) : undefined;
    if (text !== undefined && (basename(path) === 'rules.v4' || isSaved(text))) this.#write('rules.v4', text, path);
    else this.#option('--rules', this.#rules(files, text));
  }

  /** The value of an option that names FILES; TEXT: of the only one, if it has been read. */
  #rules(files: readonly RulesFile[], text?: string): string {
    return files
      .map(({ path, table }) => {
        const name = this.#addText(path, path === '-' ? 'rules.txt' : basename(path), text);
        return table === undefined ? name : `${table}=${name}`;
      })
      .join(',');
  }

  #addCaptures({ inputs = [], stitchPaths = [], captures = [] }: ReplayOptions): void {
    for (const path of stitchPaths) this.#option('--stitch', this.#addCapture(path));
    for (const { path, iface } of captures) {
      const name = this.#addCapture(path);
      this.#option('--capture', iface === undefined ? name : `${iface}=${name}`);
    }
    this.#addInputs(inputs);
  }

  /** Inputs that are found by their names need no option, unless their order would be another. */
  #addInputs(inputs: NonNullable<ReplayOptions['inputs']>): void {
    const names = inputs.map(({ iface, path }) =>
      listPaths(path).map((file, i, all) => inputFile(iface, file, i, all)),
    );
    const order = names.map(([first]) => first);
    const isFound =
      inputs.every(({ iface }) => PLAIN_NAME.test(iface) && !CAPTURE_SUFFIX.test(iface)) &&
      new Set(inputs.map(({ iface }) => iface)).size === inputs.length &&
      order.every((name, i) => i === 0 || order[i - 1] < name);
    for (const [i, { iface, path }] of inputs.entries()) {
      if (isFound) for (const [j, file] of listPaths(path).entries()) this.#copy(join('in', names[i][j]), file);
      else this.#option('--in', `${iface}=${this.#addCapture(path, iface)}`);
    }
  }

  #addSetting(options: ReplayOptions): void {
    const { ipsetPaths = [], apply = [], changes = [], conntrackPath, namesPath, backend, guess } = options;
    const { serviceRulesPath: saved } = options;
    for (const path of ipsetPaths)
      this.#option('--ipset', this.#addText(path, path === '-' ? 'ipset.txt' : basename(path)));
    for (const given of apply) this.#option('--apply', isCommand(given) ? this.#command(given) : this.#script(given));
    for (const given of changes)
      if (folderToWrite(given) === undefined) this.#option('--at', this.#change(changeParts(given)));
    if (saved !== undefined) this.#option('--service-rules', this.#addText(saved, basename(saved)));
    if (conntrackPath === HOST_CONNTRACK) this.#option('--conntrack', HOST_CONNTRACK);
    else if (conntrackPath !== undefined) this.#write('conntrack.txt', this.#read(conntrackPath));
    if (namesPath !== undefined) this.#option('--names', this.#addText(namesPath, 'names.txt'));
    if (backend !== undefined) this.#option('--backend', backend);
    if (guess !== undefined) this.#option('--guess', guess);
  }

  #addChoices(options: ReplayOptions): void {
    const { filter, from, to, limit, seed, nfqueue, lax, keepCounters, captures = [] } = options;
    const { checksums = 'auto' } = options;
    const values = { filter, from, to, limit, seed, nfqueue };
    for (const [name, value] of Object.entries(values)) if (value !== undefined) this.#option(`--${name}`, `${value}`);
    // What a case does unless it says otherwise.
    if (checksums !== (captures.length > 0 ? 'auto' : 'verify')) this.#option('--checksums', checksums);
    if (lax) this.options.push('--lax');
    if (keepCounters) this.options.push('--keep-counters');
  }

  #change({ whenText, what, snapshot, files }: ChangeParts): string {
    if (snapshot !== undefined) return `${whenText}=snapshot:${this.#addSnapshot(snapshot)}`;
    if (files === undefined) return `${whenText}=${this.#command(what)}`;
    const [{ path, table }] = files;
    const value = files.length === 1 && table === undefined ? this.#script(path) : this.#rules(files);
    return `${whenText}=${value}`;
  }

  #addSnapshot(path: string): string {
    return isHostFolder(path) ? this.#addFolder(path, basename(path)) : this.#addText(path, basename(path));
  }

  /** A command, with the files that it names. */
  #command(given: string): string {
    const source = { file: '--apply', argument: '--apply' };
    refuseCompose(typedCommands(given, source, 1));
    return withRestoredFiles(given, 1, typedCommands(given, source, 1), (path) => this.#addText(path, basename(path)));
  }

  /** The file at PATH, which may be commands that name files. */
  #script(path: string): string {
    const text = this.#read(path);
    const commands = isCommands(text) ? commandsOf(text, path) : [];
    refuseCompose(commands);
    const rewritten = withRestoredFiles(text, 1, commands, (file) => this.#addText(file, basename(file)));
    return this.#addText(path, path === '-' ? 'commands.txt' : basename(path), rewritten);
  }

  #addFolder(path: string, wanted: string): string {
    const known = this.#names.get(path);
    if (known !== undefined) return known;
    const folder = this.#free(clean(wanted));
    this.#names.set(path, folder);
    for (const file of filesOfHost(path)) this.#copy(join(folder, basename(file)), file);
    return folder;
  }

  /** The option's value for the capture at PATH, or for the set of captures. */
  #addCapture(path: CapturePaths, stem?: string): string {
    const paths = listPaths(path);
    const known = this.#names.get(paths.join('\n'));
    if (known !== undefined) return known;
    const wanted = captureName(paths[0]);
    if (paths.length === 1) {
      const name = this.#free(join('in', stem === undefined ? clean(wanted) : `${clean(stem)}${suffixOf(wanted)}`));
      this.#names.set(paths[0], name);
      this.#copy(name, paths[0]);
      return name;
    }
    const folder = this.#free(join('captures', clean(stem ?? wanted.replace(CAPTURE_SUFFIX, ''))));
    this.#names.set(paths.join('\n'), `${folder}/*`);
    // The order of the files is found again by their times, and of equal times by their names.
    const digits = String(paths.length).length;
    for (const [i, file] of paths.entries())
      this.#copy(join(folder, `${String(i + 1).padStart(digits, '0')}${suffixOf(file)}`), file);
    return `${folder}/*`;
  }

  /** The name of the text at PATH in the case; TEXT: if it has been read. */
  #addText(path: string, wanted: string, text?: string): string {
    const known = this.#names.get(path);
    if (known !== undefined) return known;
    const name = this.#free(clean(wanted));
    this.#names.set(path, name);
    if (text === undefined && isReadAgain(path)) this.#copy(name, path);
    else this.files.push({ name, bytes: encodeText(text ?? this.#read(path)) });
    return name;
  }

  #write(name: string, text: string, path?: string): void {
    if (path !== undefined) this.#names.set(path, name);
    this.files.push({ name, bytes: encodeText(text) });
  }

  #copy(name: string, path: string): void {
    this.files.push({ name, path });
  }

  #read(path: string): string {
    return readText(path, this.#live);
  }

  #option(name: string, value: string): void {
    this.options.push(name, value);
  }

  /** WANTED, or with a number if another file has that name. */
  #free(wanted: string): string {
    const [, stem, suffix] = /^(.*?)((?:\.[^/]*)?)$/s.exec(wanted) ?? [wanted, wanted, ''];
    let name = wanted;
    for (let i = 2; this.#taken.has(name); i++) name = `${stem}-${i}${suffix}`;
    this.#taken.add(name);
    return name;
  }
}

/** Compose files name others, which have no place in a case. */
function refuseCompose(commands: readonly HostCommand[]): void {
  const isCompose = ({ all }: HostCommand): boolean => /(?:^| |\/)docker[ -]compose /.test(textOf(all));
  const found = commands.find(({ tool, ...command }) => tool === 'host' && isCompose({ tool, ...command }));
  if (found === undefined) return;
  const what = 'compose files are not copied into a case';
  throw commandError(found.source, found.all, found.all[0], what, 'docker run and docker network create');
}

const textOf = (words: HostCommand['all']): string => words.map(({ text }) => text).join(' ');

/** What the capture at PATH, perhaps a pipe, is called. */
function captureName(path: string): string {
  const name = basename(path);
  if (path === '-' || /^\d+$/.test(name)) return 'capture.pcap';
  return name.includes('.') ? name : `${name}.pcap`;
}

const PLAIN_NAME = /^[\w@+-][\w.@+-]*$/;

/** NAME as a word that needs no quotes, is no pattern and no list. */
function clean(name: string): string {
  return name.replace(/[^\w.@+-]+/g, '-').replace(/^[-.]+/, '') || 'file';
}

function suffixOf(path: string): string {
  const [suffix, compression] = CAPTURE_SUFFIX.exec(path) ?? [];
  if (suffix === undefined) return `.pcap${/\.(?:gz|zst)$/i.exec(path)?.[0].toLowerCase() ?? ''}`;
  return `${/ng/i.test(suffix) ? '.pcapng' : '.pcap'}${compression.toLowerCase()}`;
}

/** The name of FILE, the Ith of ALL those of the input IFACE, in the folder of inputs. */
function inputFile(iface: string, file: string, i: number, all: readonly string[]): string {
  const suffix = suffixOf(file);
  if (all.length === 1) return `${iface}${suffix}`;
  const number = String(i).padStart(String(all.length - 1).length, '0');
  return `${iface}${suffix.replace(/^\.pcap(?:ng)?/, (base) => base + number)}`;
}

/** Whether TEXT is what iptables-save prints. */
function isSaved(text: string): boolean {
  return /^\*\w+\s*$/m.test(text) && /^COMMIT\s*$/m.test(text);
}
