/** The captures that a replay reads, by interface or stitched. */
import { isInterfaceName } from '../codecs/host/links.js';
import { withNearest } from '../codecs/nearest.js';
import { shown } from '../codecs/text.js';
import type { Host } from '../core/host/host.js';
import { type CapturePaths, listPaths } from '../io/capture-file.js';
import { captureSet } from '../io/capture-set.js';
import { type FileRecord, recordFile } from '../io/file-record.js';
import { ReplayOptionsError } from './errors.js';
import { INPUT_CAPTURED, INPUT_LOCAL, INPUT_STITCHED, type RunInput } from './replay-run.js';

/** Where captures come from. */
export interface CaptureChoice {
  /**
   * Captures of what arrives on an interface, or for the interface `local`, of what the host itself sends. A path may
   * be a pattern (`eth0-*.pcap`). Several files of one input are read one after another, by the time of their first
   * packets.
   */
  inputs?: readonly { iface: string; path: CapturePaths }[];
  /** Captures of whole conversations, instead of `inputs`. */
  stitchPaths?: readonly CapturePaths[];
  /**
   * Captures taken on the host itself, instead of `inputs`: of all interfaces (tcpdump -i any), of several in one file,
   * or of one with both directions. `iface` names its interface where the capture does not say it.
   */
  captures?: readonly { path: CapturePaths; iface?: string }[];
  /** No captures are no mistake: the host is made, and no packet enters it. */
  mayBeEmpty?: boolean;
}

/**
 * Replaces patterns in OPTIONS by the files that they match. NOTES: what the user may not expect.
 * @throws {FileError} if a pattern matches nothing
 * @throws {CaptureError} if one of several files is not a capture
 */
export function withFoundCaptures<T extends CaptureChoice>(options: T): { options: T; notes: string[] } {
  const notes: string[] = [];
  const find = (path: CapturePaths): readonly string[] => {
    const set = captureSet(listPaths(path));
    notes.push(...set.notes);
    return set.paths;
  };
  const { inputs, stitchPaths, captures } = options;
  const found = {
    ...options,
    ...(inputs === undefined ? {} : { inputs: inputs.map(({ iface, path }) => ({ iface, path: find(path) })) }),
    ...(stitchPaths === undefined ? {} : { stitchPaths: stitchPaths.map(find) }),
    ...(captures === undefined
      ? {}
      : { captures: captures.map((capture) => ({ ...capture, path: find(capture.path) })) }),
  };
  return { options: found, notes };
}

/** Every capture file in OPTIONS. */
export function captureFiles({ inputs = [], captures = [], stitchPaths = [] }: CaptureChoice): string[] {
  return [...[...inputs, ...captures].map(({ path }) => path), ...stitchPaths].flatMap(listPaths);
}

/** A file of an input of a run. Summaries before version 0.2 have the file alone. */
export interface CaptureRecord extends FileRecord {
  /** The option that named it, and what stood before `=`. */
  option?: 'in' | 'capture' | 'stitch';
  interface?: string;
  /** Which input it is of, from 0: several files of one input are read one after another. */
  input?: number;
}

/** The records of the files of INPUTS, captures of HOST. */
export function recordCaptures(inputs: readonly RunInput[], host: Host): CaptureRecord[] {
  return inputs.flatMap((one, input) =>
    listPaths(one.path).map((path) => ({ ...recordFile(path), ...optionOf(one, host), input })),
  );
}

function optionOf({ dev, capturedOn }: RunInput, host: Host): Pick<CaptureRecord, 'option' | 'interface'> {
  if (dev === INPUT_STITCHED) return { option: 'stitch' };
  if (dev !== INPUT_CAPTURED) return { option: 'in', interface: inputName(dev, host) };
  return { option: 'capture', ...(capturedOn === undefined ? {} : { interface: host.interfaceNames[capturedOn] }) };
}

/** The name that stands for the host itself among the interfaces. */
const LOCAL = 'local';
/** What the summary calls inputs that are no captures of one interface. */
const NAMES_OF_INPUTS: ReadonlyMap<number, string> = new Map([
  [INPUT_STITCHED, 'stitched'],
  [INPUT_LOCAL, LOCAL],
  [INPUT_CAPTURED, 'capture'],
]);

/** What the summary calls an input at DEV. */
export function inputName(dev: number, host: Host): string {
  return NAMES_OF_INPUTS.get(dev) ?? host.interfaceNames[dev];
}

/**
 * The captures in OPTIONS, and where on HOST their packets enter. MAY_CHANGE: the host may get interfaces while packets
 * flow, so those that it does not have are expected.
 */
export function inputsOf(
  { inputs = [], stitchPaths = [], captures = [], mayBeEmpty }: CaptureChoice,
  host: Host,
  mayChange = false,
): RunInput[] {
  if (mayChange) {
    const given = [...inputs, ...captures].flatMap(({ iface }) => (iface === undefined ? [] : [iface]));
    host.expect(given.filter((name) => name !== LOCAL && isInterfaceName(name)));
  }
  const reserved = host.interfaceNames.find((name) => name === LOCAL || name === 'dropped');
  if (reserved) {
    throw new ReplayOptionsError(
      `the host has an interface ${reserved}; ${reserved}.pcap is reserved for other results`,
    );
  }
  if (stitchPaths.length > 0) {
    if (inputs.length) throw new ReplayOptionsError('captures by interface and stitched captures cannot be combined');
    if (captures.length) throw new ReplayOptionsError('--capture and --stitch cannot be combined');
    return stitchPaths.map((path) => ({ dev: INPUT_STITCHED, path }));
  }
  if (captures.length) {
    if (inputs.length) throw new ReplayOptionsError('--capture and --in cannot be combined');
    return captures.map(({ path, iface }) => ({
      ...{ dev: INPUT_CAPTURED, path },
      ...(iface === undefined ? {} : { capturedOn: requiredInterface(iface, path, host, host.interfaceNames) }),
    }));
  }
  if (!inputs.length && !mayBeEmpty) throw new ReplayOptionsError('nothing to replay: no capture given');
  return inputs.map(({ iface, path }) => {
    const names = [...host.interfaceNames, LOCAL];
    return { dev: iface === LOCAL ? INPUT_LOCAL : requiredInterface(iface, path, host, names), path };
  });
}

/** The index of the interface that was GIVEN for the capture PATH; NAMES are those that it may have. */
function requiredInterface(given: string, path: CapturePaths, host: Host, names: readonly string[]): number {
  const dev = interfaceNamed(given, host);
  if (dev >= 0) return dev;
  const expected = `${listPaths(path)[0]}: the host has no interface ${given}; expected one of ${names.join(', ')}`;
  throw new ReplayOptionsError(withNearest(expected, given, names));
}

/** The index of the interface GIVEN by its name, or by its name as messages show it; -1: there is none. */
function interfaceNamed(given: string, host: Host): number {
  const index = host.knownIndex(given);
  return index >= 0 ? index : host.interfaceNames.findIndex((name) => shown(name) === given);
}
