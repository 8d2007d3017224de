/** How people name the frames of captures: `4`, `eth0:4`, `wan.pcap:4`. */
import { basename } from 'node:path';
import { withNearest } from '../codecs/nearest.js';
import { shownPath } from '../codecs/text.js';
import type { Host } from '../core/host/host.js';
import { listPaths, openCaptureFile } from '../io/capture-file.js';
import { inputName } from './captures.js';
import { ReplayOptionsError } from './errors.js';
import type { FramePlace } from './packet-watch.js';
import type { RunInput } from './replay-run.js';

interface NamedInput {
  /** Unique among the inputs. */
  readonly name: string;
  readonly files: readonly string[];
}

export class FrameNames {
  readonly #inputs: readonly NamedInput[];
  readonly #host: Host;

  constructor(inputs: readonly RunInput[], host: Host) {
    this.#host = host;
    const names = inputs.map(({ dev, capturedOn }) =>
      capturedOn === undefined ? inputName(dev, host) : host.interfaceNames[capturedOn],
    );
    this.#inputs = inputs.map(({ path }, input) => {
      const files = listPaths(path);
      const isUnique = names.indexOf(names[input]) === names.lastIndexOf(names[input]);
      return { name: isUnique ? names[input] : shownPath(files[0]), files };
    });
  }

  /** All inputs, in their order. */
  get inputs(): readonly NamedInput[] {
    return this.#inputs;
  }

  /** The name of the frame at PLACE; DEV: the interface that it is said to have come by, or `local`. */
  nameOf({ input, number }: FramePlace, dev?: string): string {
    const { name, files } = this.#inputs[input];
    const isByInterface = this.#inputs.length > 1 || files.length === 0 || dev === undefined;
    return `${isByInterface ? name : dev}:${number}`;
  }

  /** What `parse` takes for PLACE. */
  argumentFor({ input, number }: FramePlace): string {
    return this.#inputs.length === 1 ? `${number}` : `${this.#inputs[input].name}:${number}`;
  }

  /** What the input of PLACE is called, with its only file. */
  inputOf({ input }: FramePlace): { name: string; files: readonly string[] } {
    return this.#inputs[input];
  }

  /**
   * The frame that TEXT names, the value of OPTION.
   * @throws {ReplayOptionsError} if it names none, or several
   */
  parse(text: string, option: string): FramePlace {
    const [, before, digits] = /^(?:(.*):)?(\d+)$/s.exec(text) ?? [];
    const number = Number(digits);
    const given = `${option} ${text}`;
    if (digits === undefined || !Number.isSafeInteger(number) || number < 1)
      throw new ReplayOptionsError(
        `${given}: expected the number of a frame, from 1 as Wireshark shows it, or IFACE:N`,
      );
    if (before === undefined && this.#inputs.length === 1) return { input: 0, number };
    const names = this.#inputs.map(({ name }) => `${name}:${number}`);
    if (before === undefined)
      throw new ReplayOptionsError(`${given}: there are several captures; expected one of ${names.join(', ')}`);
    const inFile = this.#frameOfFile(before, number, given);
    return inFile ?? { input: this.#inputNamed(before, given, names), number };
  }

  /** The frame NUMBER of the file called GIVEN, if that is one of several in a row. */
  #frameOfFile(given: string, number: number, option: string): FramePlace | undefined {
    const found = this.#inputs.flatMap(({ files }, input) =>
      files.length === 1
        ? []
        : files.flatMap((file, i) =>
            file === given || basename(file) === given ? [{ input, file, before: files.slice(0, i) }] : [],
          ),
    );
    if (found.length !== 1) return undefined;
    const [{ input, file, before }] = found;
    const packets = packetsIn(file);
    if (number > packets) throw new ReplayOptionsError(`${option}: ${shownPath(file)} has only ${packets} frames`);
    return { input, number: before.reduce((sum, file) => sum + packetsIn(file), number) };
  }

  #inputNamed(given: string, option: string, names: readonly string[]): number {
    const isOf = ({ name, files }: NamedInput): boolean =>
      name === given || (files.length === 1 && (files[0] === given || basename(files[0]) === given));
    const found = this.#inputs.flatMap((input, i) => (isOf(input) ? [i] : []));
    if (found.length === 1) return found[0];
    // What came by all interfaces is in one capture.
    const isInterface = given === 'local' || this.#host.knownIndex(given) >= 0;
    const [{ name }] = this.#inputs;
    if (this.#inputs.length === 1 && isInterface && (name === 'capture' || name === 'stitched')) return 0;
    const some = `${names.length > 1 ? 'one of ' : ''}${names.join(', ')}`;
    const expected = `${option}: there is no such capture; expected ${some}`;
    throw new ReplayOptionsError(
      withNearest(
        expected,
        given,
        this.#inputs.map((input) => input.name),
      ),
    );
  }
}

function packetsIn(file: string): number {
  const reader = openCaptureFile(file);
  let packets = 0;
  while (reader.next()) packets++;
  reader.close();
  return packets;
}
