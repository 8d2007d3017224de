/**
 * What was given of a host, as a JSON object with the members of a host.json, whether it was one, a snapshot, or a
 * folder of outputs; and where in its files each value is.
 */
import { foreignFile } from '../foreign-files.js';
import { locateInJson, locateSyntaxError, type Position } from '../json-position.js';
import { encodeText, shown } from '../text.js';
import { HostError } from './error.js';
import { isIpText, parseIpText } from './ip-text.js';
import { type JsonObject, objectAt, quote } from './json-values.js';
import { commandOf, type HostOutput, OUTPUT_FILES, OUTPUT_MEMBERS } from './outputs.js';
import { isSnapshot, readSnapshot } from './snapshot.js';
import { parseSysctlText } from './sysctl-text.js';

/** A file of a folder that describes a host. */
export interface HostFile {
  /** Undefined: a host in JSON. */
  readonly member: string | undefined;
  readonly path: string;
  readonly text: string;
}

/** One member of a host. */
interface Member {
  /** Parsed JSON, sysctls as an object, or text. */
  readonly value: unknown;
  readonly file: string;
  /** What messages call the file of a text, and its first line there. */
  readonly textName: string;
  readonly firstLine: number;
  readonly failure?: string;
  /** The position of the value at PATH in the file, where PATH starts with the member's name. */
  locate(path: string): Position;
}

export class HostDocument {
  /** The file or folder that was given. */
  readonly name: string;
  /** All members, parsed. */
  readonly json: JsonObject;
  /** When and where a snapshot was taken; '' if unknown. */
  readonly taken: string;
  readonly warnings: readonly string[];
  readonly #members: ReadonlyMap<string, Member>;

  constructor(name: string, members: ReadonlyMap<string, Member>, taken = '', warnings: readonly string[] = []) {
    this.name = name;
    this.#members = members;
    this.json = Object.fromEntries([...members].map(([key, { value }]) => [key, value]));
    this.taken = taken;
    this.warnings = warnings;
  }

  /** Why the command that prints MEMBER failed on the host; undefined: it did not. */
  failureOf(member: string): string | undefined {
    return this.#members.get(member)?.failure;
  }

  /** What messages call the file of the text MEMBER, and its first line there. */
  placeOf(member: string): Pick<Member, 'textName' | 'firstLine'> {
    return this.#members.get(member) ?? { textName: this.name, firstLine: 1 };
  }

  /** ERROR, about the value at its path, with its position in the files. */
  locate(error: HostError): HostError {
    const { path, problem, isUnsupported } = error;
    if (error.line > 0) return error;
    const key = /^[^.[\]]+/.exec(path)?.[0] ?? '';
    const member = this.#members.get(key);
    if (member === undefined) return new HostError(path, problem, this.name, 0, 0, isUnsupported);
    const { line, column } = member.locate(path);
    return new HostError(path, problem, member.file, line, column, isUnsupported);
  }
}

/** The host in TEXT, the content of FILE: JSON, or a snapshot. Throws a HostError. */
export function documentOf(text: string, file: string): HostDocument {
  if (isSnapshot(text)) {
    const { outputs, taken } = readSnapshot(text, file);
    return new HostDocument(file, membersOf(outputs), taken, outputs.flatMap(doubtsAbout));
  }
  return new HostDocument(file, jsonMembers(text, file));
}

/** The host in FILES, those in FOLDER whose names are known. Throws a HostError. */
export function documentOfFolder(files: readonly HostFile[], folder: string): HostDocument {
  const host = files.find(({ member }) => member === undefined);
  const members = new Map(host === undefined ? [] : jsonMembers(host.text, host.path));
  const outputs: HostOutput[] = [];
  const unread: string[] = [];
  for (const { member, path, text } of files) {
    if (member === undefined) continue;
    const earlier = outputs.find((output) => output.member === member);
    if (earlier !== undefined)
      throw new HostError('', `both this and ${shown(earlier.file)} are the output of ${commandOf(member)}`, path);
    const known = members.get(member);
    if (known !== undefined && !isJsonOf(text, known.value)) unread.push(nameOf(path));
    if (known === undefined) outputs.push({ member, text: withoutMark(text), file: path, firstLine: 1 });
  }
  for (const [member, value] of membersOf(outputs)) members.set(member, value);
  if (!members.has('addr')) throw noAddresses(folder);
  return new HostDocument(folder, members, '', [
    ...(unread.length === 0 ? [] : [`host.json has what is in ${unread.join(', ')}, and is read in place of it`]),
  ]);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(withEscapes(text));
    return true;
  } catch {
    return false;
  }
}

function isJsonOf(text: string, value: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(value);
  } catch {
    return false;
  }
}

/** The last part of PATH. */
function nameOf(path: string): string {
  return shown(path.slice(path.lastIndexOf('/') + 1));
}

/** How many rules every host has. */
const DEFAULT_RULES = 3;

function doubtsAbout({ member, text, command = '' }: HostOutput): string[] {
  const isDoubtful = member === 'rule' && command.startsWith('busybox');
  if (!isDoubtful || text.split('\n').filter((line) => line.trim() !== '').length <= DEFAULT_RULES) return [];
  return ['the host has an ip(8) of busybox, which leaves out parts of rules (not, oif, ports): routes may differ'];
}

function noAddresses(folder: string): HostError {
  const files = `${OUTPUT_FILES.slice(0, -1).join(', ')} and ${OUTPUT_FILES.at(-1)}`;
  return new HostError(
    '',
    `no addr.json (the output of ip -j addr show) and no host.json; of a folder, the files ${files} are read`,
    folder,
  );
}

/** A host with one of these is one; any other JSON is something else. */
function isHost(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false;
  return OUTPUT_MEMBERS.some((name) => Object.hasOwn(json, name));
}

/** The members of the host in TEXT, the content of the JSON file FILE. */
function jsonMembers(text: string, file: string): Map<string, Member> {
  let json: unknown;
  try {
    json = JSON.parse(withEscapes(withoutMark(text)));
  } catch (error) {
    if (!/^\s*[{[]/.test(text)) throwForeign(text, file);
    const { line, column } = locateSyntaxError(text);
    throw new HostError('', `not JSON: ${(error as Error).message}`, file, line, column);
  }
  if (!isHost(json)) throwForeign(text, file);
  let host: JsonObject;
  try {
    host = objectAt(json, '');
  } catch (error) {
    throw error instanceof HostError ? error.locatedIn(text, file) : error;
  }
  const locate = (path: string): Position => locateInJson(text, path);
  const place = { file, firstLine: 1, locate };
  return new Map(
    Object.entries(host).map(([key, value]) => [key, { ...place, value, textName: `${file}, member ${key}` }]),
  );
}

/** How much of a file says what it is, in characters. */
const HEAD = 4096;

/** Throws if TEXT is known to be something else than a host. */
function throwForeign(text: string, file: string): void {
  const foreign = foreignFile(encodeText(text.slice(0, HEAD)), file, 'host');
  if (foreign !== undefined) throw new HostError('', foreign, file, 1, 1);
}

function membersOf(outputs: readonly HostOutput[]): Map<string, Member> {
  return new Map(outputs.map((output) => [output.member, memberOf(output)]));
}

const JSON_MEMBERS: readonly string[] = ['addr', 'route', 'rule', 'neigh', 'link', 'nexthop'];
/** The JSON of some versions of ip(8) is faulty; without it, the kinds of interfaces are unknown. */
const MAY_BE_FAULTY: readonly string[] = ['link'];
/** Members that nothing depends on. */
const NAMES: readonly string[] = ['containers', 'networks'];

function memberOf(output: HostOutput): Member {
  const { member, text, file, firstLine, failure } = output;
  const place = { file, textName: file, firstLine, ...(failure === undefined ? {} : { failure }) };
  const inFile = ({ line, column }: Position): Position => ({ line: line + firstLine - 1, column });
  const locateText = () => inFile({ line: 1, column: 1 });
  if (NAMES.includes(member)) return { ...place, value: namesJson(text), locate: locateText };
  if (member === 'sysctl') return sysctlMember(output, place, inFile);
  if (!JSON_MEMBERS.includes(member)) return { ...place, ...textValue(output), locate: locateText };
  const locate = (path: string): Position => inFile(locateInJson(text, path.slice(member.length)));
  // Without any rule nothing would be routed: no output is not taken for that.
  if (text.trim() === '' && (failure !== undefined || member === 'rule')) return { ...place, value: undefined, locate };
  if (MAY_BE_FAULTY.includes(member) && !isJson(text) && !isIpText(member, text))
    return { ...place, failure: failure ?? 'its output is not JSON', value: undefined, locate };
  if (isIpText(member, text)) return { ...place, ...ipTextMember(output, inFile) };
  return { ...place, value: outputJson(output), locate };
}

function sysctlMember(
  { text, file }: HostOutput,
  place: Pick<Member, 'file' | 'textName' | 'firstLine' | 'failure'>,
  inFile: (position: Position) => Position,
): Member {
  const { values, lines, fault } = parseSysctlText(text);
  if (fault !== undefined) {
    const { line, column } = inFile(fault);
    throw new HostError('', `${fault.problem}, as sysctl -a prints it`, file, line, column);
  }
  const locate = (path: string): Position => {
    const name = /^sysctl\[(".*")\]$/.exec(path)?.[1];
    return inFile({ line: (name && lines.get(JSON.parse(name))) || 1, column: 1 });
  };
  return { ...place, value: values, locate };
}

/** The output of ip(8) without -j. */
function ipTextMember(
  { member, text, file }: HostOutput,
  inFile: (position: Position) => Position,
): Pick<Member, 'value' | 'locate'> {
  const { entries, lines, fault } = parseIpText(member, text);
  if (fault !== undefined) {
    const { line, column } = inFile(fault);
    throw new HostError('', `${fault.problem}; ${commandOf(member)} prints it for programs`, file, line, column);
  }
  const locate = (path: string): Position => {
    const index = Number(/^\w+\[(\d+)\]/.exec(path)?.[1] ?? 0);
    return inFile({ line: lines[index] ?? 1, column: 1 });
  };
  return { value: entries, locate };
}

/** How such a message starts: with the name of a program, or in words. Not a comment, a rule or a connection. */
const MESSAGE_START = /^(?:[\w./-]+(?: v[\d.]+(?: \(\w+\))?)?: |[A-Z][a-z]+ )/;
/** What a command prints instead of its output. */
const MESSAGE = new RegExp(
  [
    'not found|denied|not permitted|must be root|does not exist|cannot find|no such',
    'is unknown|unrecognized|invalid option|usage:',
  ].join('|'),
  'i',
);

/** The text of OUTPUT; nothing, and what it says, if it is a message. */
function textValue({ text }: HostOutput): Pick<Member, 'value' | 'failure'> {
  const first = /\S[^\n]*/.exec(text)?.[0].trim() ?? '';
  const isMessage = MESSAGE_START.test(first) && MESSAGE.test(first);
  return isMessage ? { value: '', failure: first } : { value: text };
}

/** The JSON of OUTPUT. Throws a HostError. */
function outputJson({ member, text, file, firstLine }: HostOutput): unknown {
  // ip(8) may print nothing for an empty list.
  if (text.trim() === '') return [];
  try {
    return JSON.parse(withEscapes(text));
  } catch (error) {
    const { line, column } = locateSyntaxError(text);
    const start = text.trimStart().split('\n', 1)[0].trim();
    const at = firstLine + line - 1;
    if (/^[[{]/.test(start)) throw new HostError('', `not JSON: ${(error as Error).message}`, file, at, column);
    if (MESSAGE.test(start))
      throw new HostError('', `${quote(start)} is a message, not the output of ${commandOf(member)}`, file, at, column);
    throw new HostError('', `expected the output of ${commandOf(member)}, found ${quote(start)}`, file, at, column);
  }
}

/** What docker inspect printed: one JSON value, or one a line. Undefined if it is anything else. */
function namesJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // One a line.
  }
  try {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return lines.map((line): unknown => JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** Those that are not blanks of JSON. */
const CONTROLS = /(?![\t\n\r])(?=[\0- ])\p{Cc}/gu;

/** TEXT with control characters escaped, which `ip -j` prints as they are in the names of interfaces. */
function withEscapes(text: string): string {
  return text.replace(CONTROLS, (char) => JSON.stringify(char).slice(1, -1));
}

function withoutMark(text: string): string {
  return text.replace(/^\ufeff/, '');
}
