/** Writes the stories of a replay's packets into files: as comments of the packets that came of them, and as JSON. */
import type { ByteSink } from '../../codecs/byte-stream.js';
import { Linktype } from '../../codecs/linktypes.js';
import { PcapngWriter, type WrittenInterface, type WrittenPacket } from '../../codecs/pcapng-writer.js';
import type { EmulatorOutput } from '../../core/emulator.js';
import type { Host } from '../../core/host/host.js';
import type { Interface } from '../../core/host/interfaces.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import { FileSink } from '../../io/capture-file.js';
import type { Leftovers } from '../../io/staged-dir.js';
import { StagedFile } from '../../io/staged-file.js';
import { refuseWriting } from '../../replay/named-files.js';
import type { FramePlace } from '../../replay/packet-watch.js';
import type { WatchedRun } from '../../replay/replay.js';
import { GENERATOR } from '../../replay/result-files.js';
import { version } from '../../replay/version.js';
import { Assumptions } from '../story/assumptions.js';
import type { Story } from '../story/story.js';
import { storyJson } from '../story/story-json.js';
import { storyLines } from '../story/story-text.js';
import { PLAIN } from '../text/style.js';
import { StoryWatch } from './story-watch.js';

export interface StoryFilesOptions {
  /** A pcapng of what the result folder's captures hold, with comments. */
  readonly annotatePath?: string | undefined;
  /** A line of JSON for each packet. */
  readonly tracePath?: string | undefined;
  readonly onCreate?: ((leftovers: Leftovers) => void) | undefined;
}

/** The width of comments: Wireshark does not wrap them. */
const COMMENT_WIDTH = 100;
/** How much JSON is gathered before it is written. */
const GATHERED_LENGTH = 1 << 20;

interface OpenFile {
  readonly staged: StagedFile;
  readonly sink: ByteSink;
}

export class StoryFiles extends StoryWatch {
  readonly output: Pick<EmulatorOutput, 'egress' | 'local' | 'dropped'> | undefined;
  readonly #run: WatchedRun;
  readonly #files: OpenFile[] = [];
  readonly #annotated: AnnotatedCapture | undefined;
  readonly #lines: LineFile | undefined;
  #assumptions: Assumptions | undefined;

  /** @throws {FileError} {CaptureError} if a file cannot be created */
  constructor(run: WatchedRun, { annotatePath, tracePath, onCreate }: StoryFilesOptions) {
    super();
    this.#run = run;
    const written = [['--annotate', annotatePath] as const, ['--trace', tracePath] as const];
    refuseWriting(written, run.files);
    try {
      if (annotatePath !== undefined)
        this.#annotated = new AnnotatedCapture(
          this.#open(annotatePath, onCreate),
          run.setting.host,
          (dev) => this.emulator.host.interfaces[dev],
        );
      if (tracePath !== undefined) this.#lines = new LineFile(this.#open(tracePath, onCreate));
    } catch (error) {
      this.discard();
      throw error;
    }
    this.output = this.#annotated;
  }

  #open(path: string, onCreate: StoryFilesOptions['onCreate']): ByteSink {
    const staged = new StagedFile(path, onCreate);
    const sink = new FileSink(staged.path);
    this.#files.push({ staged, sink });
    return sink;
  }

  override begin(emulator: IpStack): void {
    super.begin(emulator);
    const { setting } = this.#run;
    this.#assumptions = new Assumptions(setting, setting.host, emulator);
  }

  wants(_place: FramePlace, frame: Frame, isShown: boolean): boolean {
    this.#annotated?.setTime(frame.tsSec, frame.tsNsec);
    if (isShown) this.#assumptions?.start();
    return isShown;
  }

  told(story: Story | undefined, place: FramePlace): void {
    if (story === undefined) {
      this.#annotated?.write('');
      return;
    }
    const name = this.#run.names.nameOf(place, story.inDev ?? 'local');
    const assumed = this.#assumptions?.of(story) ?? [];
    if (this.#annotated?.isHolding) this.#annotated.write(`${name} ${this.#textOf(story, assumed)}`);
    this.#lines?.write(JSON.stringify({ frame: name, ...storyJson(story), assumed }));
  }

  #textOf(story: Story, assumed: readonly string[]): string {
    const { names } = this.#run.setting;
    return storyLines(story, { width: COMMENT_WIDTH, style: PLAIN, names, assumed }).join('\n');
  }

  /** All packets have been written. */
  close(): void {
    this.#annotated?.finish();
    this.#lines?.flush();
    for (const { sink } of this.#files) sink.close();
  }

  /** Puts the files in place. */
  commit(): void {
    for (const { staged } of this.#files) staged.commit();
  }

  /** Removes what was written. */
  discard(): void {
    for (const { staged, sink } of this.#files) {
      try {
        sink.close();
      } catch {
        // It is not needed any more.
      }
      staged.discard();
    }
  }
}

/** Gathers lines, so that not each is written by itself. */
class LineFile {
  readonly #sink: ByteSink;
  readonly #encoder = new TextEncoder();
  #lines: string[] = [];
  #length = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  write(line: string): void {
    this.#lines.push(line, '\n');
    this.#length += line.length;
    if (this.#length > GATHERED_LENGTH) this.flush();
  }

  flush(): void {
    const bytes = this.#encoder.encode(this.#lines.join(''));
    this.#sink.write(bytes, 0, bytes.length);
    this.#lines = [];
    this.#length = 0;
  }
}

function describedAs({ name, linkLength }: Interface): WrittenInterface {
  return { name, linktype: linkLength === 0 ? Linktype.RAW : Linktype.ETHERNET };
}

/** Holds the packets that come of one frame until its story is known. */
class AnnotatedCapture {
  readonly #writer: PcapngWriter;
  /** The number of the interface in the file, by its index; -1: it has no capture; undefined: it came later. */
  readonly #devs: (number | undefined)[];
  readonly #interfaceAt: (dev: number) => Interface;
  readonly #local: number;
  readonly #dropped: number;
  #held: Omit<WrittenPacket, 'comment'>[] = [];
  #tsSec = 0;
  #tsNsec = 0;

  /** INTERFACE_AT: the interface that the host has by an index now. */
  constructor(sink: ByteSink, { interfaces }: Host, interfaceAt: (dev: number) => Interface) {
    this.#interfaceAt = interfaceAt;
    const captured = interfaces.filter(({ isLoopback }) => !isLoopback);
    this.#devs = interfaces.map((one) => captured.indexOf(one));
    this.#local = captured.length;
    this.#dropped = captured.length + 1;
    const described = [
      ...captured.map(describedAs),
      { name: 'local', linktype: Linktype.RAW },
      { name: 'dropped', linktype: Linktype.RAW },
    ];
    this.#writer = new PcapngWriter(sink, described, `${GENERATOR} ${version()}`);
  }

  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  setTime(tsSec: number, tsNsec: number): void {
    // What came between two frames, as time passed.
    this.write('');
    this.#tsSec = tsSec;
    this.#tsNsec = tsNsec;
  }

  readonly egress: EmulatorOutput['egress'] = (dev, bytes, at, available, length) => {
    const number = this.#devs[dev] ?? this.#describe(dev);
    if (number >= 0) this.#hold(number, bytes, at, available, length);
  };

  /** The number in the file of the interface DEV, which the host did not have at the beginning. */
  #describe(dev: number): number {
    const one = this.#interfaceAt(dev);
    const number = one.isLoopback ? -1 : this.#writer.describe(describedAs(one));
    this.#devs[dev] = number;
    return number;
  }

  readonly local: EmulatorOutput['local'] = (bytes, at, available, length) =>
    this.#hold(this.#local, bytes, at, available, length);

  readonly dropped: EmulatorOutput['dropped'] = (_drop, bytes, at, available, length) =>
    this.#hold(this.#dropped, bytes, at, available, length);

  #hold(index: number, bytes: Uint8Array, at: number, available: number, wirelen: number): void {
    const copy = bytes.slice(at, at + available);
    this.#held.push({ interface: index, tsSec: this.#tsSec, tsNsec: this.#tsNsec, bytes: copy, wirelen });
  }

  /** Writes what is held, each packet with COMMENT. */
  write(comment: string): void {
    for (const packet of this.#held) this.#writer.write({ ...packet, comment });
    this.#held = [];
  }

  finish(): void {
    this.write('');
    this.#writer.flush();
  }
}
