/** hot: one replay, from capture files through the emulator into the result files. */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ByteSink } from '../codecs/byte-stream.js';
import { CAPTURE_HEADROOM_BYTES, type CaptureRecord } from '../codecs/capture.js';
import type { CaptureStream, ReadFile } from '../codecs/capture-stream.js';
import type { CaptureFilter } from '../codecs/filter/capture-filter.js';
import type { HostText } from '../codecs/host/texts.js';
import { ETHERNET_LENGTH, IPV4_PROTOCOL_AT } from '../codecs/layouts.js';
import { Linktype } from '../codecs/linktypes.js';
import { CaptureMerger } from '../codecs/merge.js';
import { CHUNK_BYTES, PcapWriter, type WriterPlace } from '../codecs/pcap-writer.js';
import { shownPath } from '../codecs/text.js';
import type { Drop } from '../core/drop.js';
import {
  type EmulatorOptions,
  type EmulatorOutput,
  type LogEntry,
  type NflogEntry,
  Outcome,
} from '../core/emulator.js';
import type { TableName } from '../core/hooks.js';
import type { Host } from '../core/host/host.js';
import type { Interface } from '../core/host/interfaces.js';
import { IpStack } from '../core/ip-stack.js';
import { Frame } from '../core/link/frame.js';
import { IpLocation, locateIp } from '../core/link/locate-ip.js';
import { Memory } from '../core/memory.js';
import { REGIONS } from '../core/memory-map.js';
import type { SavedCounters } from '../core/rules/model.js';
import type { UncertainCause } from '../core/uncertainty.js';
import { type CapturePaths, createPcapFile, openCaptureFile } from '../io/capture-file.js';
import { nativePath } from '../io/path.js';
import { ArrivalCheck } from './arrivals.js';
import { type ChangeSetting, RunChanges } from './changes/run-changes.js';
import { DropTally } from './drops.js';
import { ReplayOptionsError } from './errors.js';
import type { FateRecorder } from './fates/fate-recorder.js';
import { type CaptureSink, HostCapture } from './host-capture/host-capture.js';
import { InPlaceReplay } from './in-place.js';
import { LogFiles, type LoggedCounts } from './logged.js';
import { type FramePlace, type PacketWatch, Watching } from './packet-watch.js';
import type { PacketSelection } from './selection.js';
import { STITCH_LOCAL, STITCH_SKIPPED, Stitcher } from './stitch/stitcher.js';
import { type FrameNumber, UncertainFrames } from './uncertain-summary.js';

/**
 * A capture, of one or several files, and where its packets enter: the index of an interface, INPUT_LOCAL,
 * INPUT_STITCHED or INPUT_CAPTURED.
 */
export interface RunInput {
  dev: number;
  path: CapturePaths;
  /** With INPUT_CAPTURED, the interface that the capture was taken on; absent: the capture says it. */
  capturedOn?: number;
}

/** The capture contains packets that the host itself sends. */
export const INPUT_LOCAL = STITCH_LOCAL;
/** Each packet of the capture enters by the interface towards its sender. */
export const INPUT_STITCHED = -3;
/** The capture was taken on the host itself, and says where and in which direction. */
export const INPUT_CAPTURED = -4;

export interface RunOptions extends Omit<EmulatorOptions, 'memory'> {
  /** Skip packets whose path is not supported, instead of throwing. Default: no. */
  readonly lax?: boolean;
  readonly onDrop?: DropListener;
  /** Which packets are replayed, and of which drops are counted by their causes. */
  readonly selection?: PacketSelection;
  readonly show?: CaptureFilter;
  /** As in ReplayOptions. */
  readonly expectEgress?: boolean;
  /** As in ReplayOptions. */
  readonly logTime?: boolean;
  /** Notes what becomes of each packet. Call `startBatch` before each `step`, of at most MOST_IN_BATCH packets. */
  readonly fates?: FateRecorder;
  /** As in `Setting`. */
  readonly moreSets?: readonly HostText[];
  /** The rules and sets change during the run. */
  readonly changes?: ChangeSetting;
  /** Wants to hear of some packets. */
  readonly watch?: PacketWatch;
  /** As in ReplayControl. */
  readonly hasEnded?: () => boolean;
}

/** DROP is valid only during the call. */
export type DropListener = (tsSec: number, tsNsec: number, drop: Drop, bytes: Uint8Array, at: number) => void;

/** The files for packets that were delivered to the host, and for those that were dropped. */
const LOCAL_FILE = 'local.pcap';
const DROPPED_FILE = 'dropped.pcap';

/** In place of a result folder: only the packets that leave are written, as a stream. */
export const STANDARD_OUTPUT = '-';

/** Why frames are missed that `--filter` and the like leave out. */
const NOT_SELECTED = 'not-selected';

/** When the next change is due. */
const NO_CHANGES = { nextTime: { sec: Number.POSITIVE_INFINITY, nsec: 0 }, nextFrame: Number.POSITIVE_INFINITY };

/** Takes the packets of a run that writes nothing. */
const DISCARD: ByteSink = { path: 'nowhere', write() {}, close() {} };

/** Replays captures packet by packet. Call `step` until it returns false, then `close`. */
export class ReplayRun implements EmulatorOutput, CaptureSink {
  readonly emulator: IpStack;
  readonly drops = new DropTally();
  /** Packets read so far, and how many of them were not selected. */
  read = 0;
  filteredOut = 0;
  readonly uncertainFrames = new UncertainFrames();
  /** Packets that never reached the host, by reason. */
  readonly skipped = new Map<string, number>();
  /** The capture files of the results, in the order of the host's interfaces. */
  readonly outputs: PcapWriter[] = [];

  /** The files of the writers, by device and inode. */
  readonly #files = new Set<string>();
  /** The outputs; or if nothing is to be written, one that discards everything. */
  readonly #writers: PcapWriter[] = [];
  readonly #outcomes = new Float64Array(Object.keys(Outcome).length);
  readonly #readByInput: Float64Array;
  readonly #readers: CaptureStream[] = [];
  readonly #devs: Int32Array;
  readonly #awaited: Set<number>;
  readonly #capturedOn: Int32Array;
  readonly #merger: CaptureMerger;
  /** Undefined unless whole conversations are replayed. */
  readonly stitcher: Stitcher | undefined;
  readonly #onDrop: DropListener | undefined;
  readonly #limit: number;
  readonly #selection: PacketSelection | undefined;
  readonly #show: CaptureFilter | undefined;
  /** Drops of the current packet are reported. */
  #isShown = true;
  /** The writer of each interface; lo has none. */
  readonly #egress: (PcapWriter | undefined)[] = [];
  readonly #linkLengths: number[] = [];
  /** One writer takes what leaves by any interface, with a header of zeros where packets leave without one. */
  #stream: PcapWriter | undefined;
  readonly #outDir: string | undefined;
  /** The host at the beginning. */
  readonly #origin: Host;
  /** Undefined with a stream, which takes only what leaves by an interface. */
  readonly #local: PcapWriter | undefined;
  readonly #logs: LogFiles;
  readonly #dropped: PcapWriter | undefined;
  /** Replays from file to file without going through JavaScript, if all inputs allow it. */
  #inPlace: InPlaceReplay | undefined;
  readonly #location = new IpLocation();
  #frame = new Frame();
  readonly #arrivals: ArrivalCheck;
  /** Undefined if no rules and sets change. */
  readonly changes: RunChanges | undefined;
  readonly #watching: Watching | undefined;
  /** Packets are replayed in place up to the only one that is watched. */
  #isPassing = false;
  /** Only for captures of the host itself. */
  readonly hostCapture: HostCapture | undefined;
  /** The record whose frame the emulator is processing, and its input; null: another frame. */
  #record: CaptureRecord | null = null;
  #input = 0;
  readonly #fates: FateRecorder | undefined;
  /** The frame of the current record. */
  readonly #place = { input: 0, number: 0 };
  /** How many frames of captures of the host were taken up. */
  #capturedFrames = 0;

  /**
   * @param outDir an existing folder, for a capture of each interface but lo, of `local` and of `dropped`; or '-',
   *   which writes what leaves by any interface to standard output as one capture; or undefined: nothing is written
   * @throws {CaptureError} if an input cannot be read or an output cannot be written
   */
  constructor(options: RunOptions, inputs: readonly RunInput[], outDir: string | undefined, limit: number) {
    const { host } = options;
    this.#outDir = outDir;
    this.#origin = host;
    const dir = outDir === STANDARD_OUTPUT ? undefined : outDir;
    this.#logs = new LogFiles(dir, options.logTime ?? false, (path, linktype) => this.#open(path, linktype));
    this.#limit = limit;
    this.#selection = options.selection;
    this.#show = options.show;
    this.#onDrop = options.onDrop;
    this.#devs = Int32Array.from(inputs, ({ dev }) => dev);
    this.#capturedOn = Int32Array.from(inputs, ({ capturedOn = -1 }) => capturedOn);
    this.#awaited = new Set(
      inputs.map(({ dev, capturedOn = dev }) => capturedOn).filter((dev) => host.interfaces[dev]?.isPresent === false),
    );
    this.#readByInput = new Float64Array(inputs.length);
    this.#arrivals = new ArrivalCheck(host, options.lax ?? false, (input) => this.#frameName(input));
    const engine = options.engine ?? 'remembered';
    const memory = new Memory();
    try {
      // Whoever reads what leaves as a stream shall not wait for what has been written already.
      const beforeWait = (): void => (outDir === STANDARD_OUTPUT ? this.#writers[0]?.flush() : undefined);
      const allocate = (length: number): Uint8Array | undefined => memory.allocate(length);
      for (const { path } of inputs)
        this.#readers.push(openCaptureFile(path, { allocate, hasEnded: options.hasEnded, beforeWait }));
      for (const reader of this.#readers) reader.onOverwrite(() => this.#settle(reader.bytes));
      this.#merger = new CaptureMerger(this.#readers);
      const isCaptured = inputs.some(({ dev }) => dev === INPUT_CAPTURED);
      const hostCapture = isCaptured ? new HostCapture(options, this) : undefined;
      this.hostCapture = hostCapture;
      const observer = options.expectEgress ? hostCapture?.observing(options.observer) : options.observer;
      this.emulator = new IpStack({ ...options, memory, ...(observer === undefined ? {} : { observer }) }, this);
      const { host } = this.emulator;
      this.#useHost(host);
      this.#watching = options.watch && new Watching(options.watch, this.emulator, observer);
      const isStitched = inputs.some(({ dev }) => dev === INPUT_STITCHED);
      this.stitcher = isStitched ? new Stitcher(this.emulator.connections, host, options.ruleset) : undefined;
      this.changes = options.changes && this.#createChanges(options.changes);
      const stream = this.#openStream(outDir);
      this.#fates = options.fates;
      this.#fates?.attach(this.emulator, host.interfaces);
      this.#stream = stream;
      for (const one of host.interfaces) this.#addEgress(one);
      const isObserved = options.observer !== undefined || (options.watch !== undefined && !options.watch.only);
      const isPartial = options.selection !== undefined || (options.fates !== undefined && options.show !== undefined);
      const isWhole = engine === 'remembered' && !isObserved && !isPartial;
      if (isWhole && host.interfaces.length <= REGIONS.egress.count) {
        this.#inPlace = InPlaceReplay.of(
          memory,
          this.#readers,
          this.#devs,
          host.interfaces,
          stream ? [stream] : this.#egress,
          (record, input, upcall) => {
            this.#input = input;
            if (this.#hasArrived(record, input)) this.#replay(record, this.#devs[input], upcall);
          },
        );
      }
      this.#inPlace?.stopBefore(options.watch?.only);
      this.#isPassing = this.#inPlace !== undefined && options.watch?.only !== undefined;
      if (stream !== undefined || outDir === undefined) return;
      this.#local = this.#open(join(outDir, LOCAL_FILE), Linktype.RAW);
      this.#dropped = this.#open(join(outDir, DROPPED_FILE), Linktype.RAW);
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  #createChanges(setting: ChangeSetting): RunChanges {
    return new RunChanges(this.emulator, setting, {
      onRules: (replaced) => {
        this.hostCapture?.useRules(replaced.after);
        this.stitcher?.useRules(replaced.after);
        this.#watching?.watch.rulesReplaced?.(replaced);
      },
      onChange: (change, at) => this.#watching?.watch.changed?.(change, at),
    });
  }

  /** Where what leaves by an interface that the host has from now on is written to. */
  #addEgress({ name, index, isLoopback, linkLength }: Interface): void {
    const isBare = linkLength === 0;
    const stream = this.#stream;
    const omittedBytes = isBare && stream === undefined ? ETHERNET_LENGTH : 0;
    const egress = REGIONS.egress.recordsOf(this.emulator.memory.buffer);
    if (index < egress.count) egress.assign(index, { writer: stream === undefined ? index : 0, omittedBytes });
    this.#linkLengths[index] = linkLength;
    const linktype = isBare ? Linktype.RAW : Linktype.ETHERNET;
    const path = join(this.#outDir ?? '', `${name}.pcap`);
    const opened = isLoopback ? undefined : (stream ?? this.#open(path, linktype, this.#placeOf(index)));
    this.#egress[index] = opened;
  }

  /** Interfaces that frames arrive on and that no change has brought so far. */
  get awaited(): string[] {
    return [...this.#awaited].map((dev) => this.emulator.host.interfaceNames[dev]);
  }

  hostChanged(host: Host): void {
    // Whoever has the host of the beginning knows interfaces by the same indexes.
    this.#origin.expect(host.interfaceNames);
    this.#useHost(host);
    for (const one of host.interfaces) this.#followInterface(one);
    this.#fates?.useInterfaces(host.interfaces);
  }

  /**
   * ONE may have come, or is another one of its name.
   * @throws {ReplayOptionsError} if its packets cannot be written to the file of that name
   */
  #followInterface(one: Interface): void {
    const { name, index, isPresent, linkLength } = one;
    if (isPresent) this.#awaited.delete(index);
    const known = this.#linkLengths[index];
    if (known === undefined) this.#addEgress(one);
    else if (isPresent && known !== linkLength) {
      const what = known === 0 ? 'Ethernet headers, which they had not before' : 'no Ethernet headers, unlike before';
      throw new ReplayOptionsError(`with the change, packets of ${name} have ${what}: not supported`);
    }
  }

  #useHost(host: Host): void {
    this.#arrivals.useHost(host);
    this.hostCapture?.useHost(host);
    this.stitcher?.hostChanged();
  }

  /** The one writer of all interfaces, if OUT_DIR is not a folder. */
  #openStream(outDir: string | undefined): PcapWriter | undefined {
    if (outDir === STANDARD_OUTPUT) return this.#open('-', Linktype.ETHERNET, this.#placeOf(0));
    if (outDir !== undefined) return undefined;
    const writer = new PcapWriter(DISCARD, Linktype.ETHERNET, this.#placeOf(0));
    this.#writers.push(writer);
    return writer;
  }

  #open(path: string, linktype: number, place?: WriterPlace): PcapWriter {
    const writer = createPcapFile(path, linktype, place);
    this.#writers.push(writer);
    this.outputs.push(writer);
    if (path === STANDARD_OUTPUT) return writer;
    const { dev, ino } = statSync(nativePath(path), { bigint: true });
    const file = `${dev}:${ino}`;
    // For some file systems, eth0 and Eth0 are one name.
    if (this.#files.has(file) && statSync(nativePath(path)).isFile()) {
      const what = `${basename(path)} would hold the packets of two interfaces`;
      throw new ReplayOptionsError(`${what}: the file system does not distinguish their names`);
    }
    this.#files.add(file);
    return writer;
  }

  /** Replays up to COUNT packets; returns false at the end. */
  step(count: number): boolean {
    const watch = this.#watching?.watch;
    if (watch?.isDone) return false;
    const until = this.read + count;
    const inPlace = this.#inPlace;
    if (inPlace !== undefined && !inPlace.hasLeft) {
      const isFull = this.#stepInPlace(inPlace, Math.min(this.#limit, until));
      if (!inPlace.hasLeft) return isFull;
      this.#isPassing = false;
    }
    const selection = this.#selection;
    while (this.read < until && this.taken < this.#limit) {
      if (watch?.isDone) return false;
      const input = selection?.isOver ? -1 : this.#merger.next();
      if (input < 0) return false;
      this.read++;
      this.#readByInput[input]++;
      const reader = this.#readers[input];
      if (this.#devs[input] !== INPUT_CAPTURED) this.#beforeFrame(reader.tsSec, reader.tsNsec, this.read);
      this.#input = input;
      const isSelected = selection === undefined || selection.takes(reader);
      if (!isSelected) {
        this.filteredOut++;
        if (watch?.missed !== undefined) watch.missed(this.#frameAt(input), NOT_SELECTED, reader);
      }
      if (this.#devs[input] === INPUT_CAPTURED) {
        // What was left out still tells what the others are.
        const place = { input, number: this.#readByInput[input], order: this.read, isSelected };
        this.hostCapture?.take(reader, this.#capturedOn[input], place);
      } else if (isSelected && this.#hasArrived(reader, input)) this.#replay(reader, this.#devs[input]);
    }
    return this.taken < this.#limit;
  }

  /** Whether only some of the packets are replayed. */
  get isSelective(): boolean {
    return this.#selection !== undefined;
  }

  /** Whether somebody may want to hear of any packet. */
  get isWatchedThroughout(): boolean {
    return this.#watching !== undefined && this.#watching.watch.only === undefined;
  }

  /** Packets replayed so far. */
  get taken(): number {
    return this.read - this.filteredOut;
  }

  #stepInPlace(inPlace: InPlaceReplay, until: number): boolean {
    for (;;) {
      const { nextTime, nextFrame } = this.changes ?? NO_CHANGES;
      const wanted = Math.min(until, nextFrame - 1) - this.read;
      const done = inPlace.step(wanted, nextTime.sec, nextTime.nsec);
      this.read += done;
      if (this.read === until || inPlace.hasLeft) return this.read < this.#limit;
      const next = inPlace.stoppedAt ?? (done === wanted ? inPlace.next : undefined);
      if (inPlace.hasLeft) return true;
      if (next === undefined) return false;
      this.#beforeFrame(next.sec, next.nsec, this.read + 1);
      if (this.#stepWatched(inPlace)) return false;
    }
  }

  /** If the next packet of IN_PLACE is the only one that is watched, replays it, observed. */
  #stepWatched(inPlace: InPlaceReplay): boolean {
    const watching = this.#watching;
    const only = watching?.watch.only;
    if (watching === undefined || only === undefined || !inPlace.hasStoppedBefore(only)) return false;
    inPlace.stopBefore(undefined);
    watching.observe(true);
    this.#isPassing = false;
    this.read += inPlace.step(1);
    this.#isPassing = true;
    watching.observe(false);
    return watching.watch.isDone;
  }

  /** Where the current frame of INPUT is, by its number there. */
  #frameAt(input: number): FramePlace {
    return { input, number: this.#numberOf(input) };
  }

  get isToChange(): boolean {
    const { nextTime, nextFrame } = this.changes ?? NO_CHANGES;
    return nextTime.sec !== Number.POSITIVE_INFINITY || nextFrame !== Number.POSITIVE_INFINITY;
  }

  beforeFrame(frame: { readonly tsSec: number; readonly tsNsec: number; readonly order: number }): void {
    this.#fates?.takeFrame(++this.#capturedFrames);
    this.#beforeFrame(frame.tsSec, frame.tsNsec, frame.order);
  }

  /** Carries out the changes that are due before the frame NUMBER. */
  #beforeFrame(sec: number, nsec: number, number: number): void {
    const { changes } = this;
    if (!changes?.isDue(sec, nsec, number)) return;
    // What leaves because time passes was caused by no frame.
    this.#fates?.beforeChange();
    this.#record = null;
    this.#frame.tsSec = sec;
    this.#frame.tsNsec = nsec;
    changes.before({ sec, nsec }, number);
  }

  /**
   * The memory for the state of the writer of interface INDEX, where the code in wasm/ finds it; undefined: no room.
   */
  #placeOf(index: number): WriterPlace | undefined {
    const { memory } = this.emulator;
    const { writers } = REGIONS;
    const chunk = index < writers.count ? memory.allocate(CHUNK_BYTES) : undefined;
    if (chunk === undefined) return undefined;
    return { buffer: memory.buffer, chunk, stateAt: writers.recordsOf(memory.buffer).addressOf(index) };
  }

  /** Makes every writer write or copy what it still refers to in BYTES. */
  #settle(bytes: Uint8Array): void {
    for (const writer of this.#writers) writer.settle(bytes);
  }

  /** Number of packets by `Outcome`. */
  get outcomes(): Float64Array {
    const outcomes = this.#outcomes.slice();
    outcomes[Outcome.FORWARDED] += this.#inPlace?.forwarded ?? 0;
    return outcomes;
  }

  /** The files of INPUT that have been read, with their packets. */
  filesOf(input: number): ReadFile[] {
    return this.#readers[input].filesUpTo(this.readOf(input));
  }

  /** How many records have been read from INPUT. */
  readOf(input: number): number {
    return this.#readByInput[input] + (this.#inPlace?.readOf(input) ?? 0);
  }

  get consumedBytes(): number {
    return this.#merger.consumedBytes;
  }

  /** Size of all inputs; -1: unknown. */
  get totalBytes(): number {
    return this.#merger.totalBytes;
  }

  /** Warnings about truncated and damaged inputs. */
  get cuts(): string[] {
    return this.#readers.flatMap(({ cuts }) => cuts.map(({ message }) => message));
  }

  /** Warnings about the order of inputs. */
  get notes(): string[] {
    return this.#readers.flatMap(({ notes }) => notes);
  }

  /** What rules told besides the packets. */
  get logged(): LoggedCounts {
    return this.#logs.counts;
  }

  /** Ends the replay and closes every file. */
  close(): void {
    this.#logs.flush();
    this.hostCapture?.finish(this.#readers.map(({ path }) => path));
    this.changes?.finish(this.read);
    for (const file of [...this.#readers, ...this.#writers]) file.close();
    this.#watching?.watch.close?.();
  }

  /** The rules in force count COUNTERS, in the end. */
  counted(counters: ReadonlyMap<TableName, SavedCounters>): void {
    this.#watching?.watch.counted?.(this.emulator.ruleset, counters);
  }

  /** Puts in place what others have written beside the results. */
  commit(): void {
    this.#watching?.watch.commit?.();
  }

  /** Closes every file of a run that has failed. */
  abandon(): void {
    this.#watching?.watch.discard?.();
    for (const file of [...this.#readers, ...this.#writers]) {
      try {
        file.close();
      } catch {
        // The run has already failed; this error adds nothing.
      }
    }
  }

  #replay(record: CaptureRecord, input: number, upcall = 0): void {
    const { emulator } = this;
    const { stitcher } = this;
    // Stitching and NAT change the packet in place.
    if (this.#show !== undefined) this.#isShown = this.#show.matches(record);
    const dev = input === INPUT_STITCHED && stitcher !== undefined ? this.#stitch(record, stitcher) : input;
    if (dev === STITCH_SKIPPED) return void this.#fates?.skip(this.#placeOfRecord());
    const frame = this.#frame;
    frame.setRecord(record, CAPTURE_HEADROOM_BYTES);
    frame.dev = dev;
    this.#record = record;
    const watching = this.#isPassing ? undefined : this.#watching;
    watching?.enters(this.#frameAt(this.#input), frame, this.#isShown, dev === INPUT_LOCAL);
    this.#fates?.arrive(frame, this.#placeOfRecord());
    if (dev === INPUT_LOCAL) emulator.send(frame);
    else if (upcall < 0) emulator.receiveUpcall(frame, upcall);
    else emulator.receive(frame);
    this.#fates?.settle(this.#isShown);
    this.#count();
    watching?.finished();
    if (input === INPUT_STITCHED) stitcher?.settle(emulator.outcome);
  }

  /** Whether RECORD is to be replayed (see `ArrivalCheck.check`). */
  #hasArrived(record: CaptureRecord, input: number): boolean {
    const dev = this.#devs[input];
    const reason = dev < 0 ? '' : this.#arrivals.check(record, dev, input);
    if (reason !== '') {
      this.#skipRecord(record, reason);
      this.#fates?.skip(this.#placeOfRecord());
    }
    return reason === '';
  }

  /** What the fate of the current record says of it. */
  #placeOfRecord(): FramePlace {
    const place = this.#place;
    const inPlace = this.#inPlace;
    const input = this.#input;
    place.input = input;
    // While the capture loop reads, the number follows from the fates before.
    place.number = inPlace?.hasLeft === false ? 0 : this.#readByInput[input] + (inPlace?.readOf(input) ?? 0);
    return place;
  }

  /** The file of the current record of INPUT, and its number there, for messages. */
  #frameName(input: number): string {
    const { file, number } = this.#frameNumber(input);
    return `${shownPath(file)}: frame ${number}`;
  }

  #numberOf(input: number): number {
    const inPlace = this.#inPlace;
    const isInPlace = inPlace !== undefined && !inPlace.hasLeft;
    return isInPlace ? inPlace.numberOf(input) : this.#readByInput[input] + (inPlace?.readOf(input) ?? 0);
  }

  #frameNumber(input: number): FrameNumber {
    const number = this.#numberOf(input);
    const reader = this.#readers[input];
    return { file: reader.path, number: reader.numberInFile(number) };
  }

  departed(place: FramePlace, cause: FramePlace | undefined): void {
    this.#watching?.watch.departed?.(place, cause);
  }

  inject(frame: Frame, place: FramePlace, isOwn: boolean, isSourced: boolean): void {
    const frameOfRecords = this.#frame;
    if (this.#show !== undefined) this.#isShown = this.#show.matches(frame);
    this.#record = null;
    this.#frame = frame;
    this.#watching?.enters(place, frame, this.#isShown, isOwn);
    this.#fates?.arrive(frame, place);
    if (isOwn) this.emulator.send(frame, isSourced);
    else this.emulator.receive(frame);
    this.#fates?.settle(this.#isShown);
    this.#frame = frameOfRecords;
    this.#count();
    this.#watching?.finished();
  }

  #count(): void {
    const { emulator } = this;
    if (emulator.outcome === Outcome.SKIPPED) this.skip(emulator.skipReason ?? 'not-ip');
    else this.#outcomes[emulator.outcome]++;
  }

  /** Where the packet of RECORD enters; STITCH_SKIPPED if it does not. */
  #stitch(record: CaptureRecord, stitcher: Stitcher): number {
    const location = this.#location;
    if (!locateIp(record, location)) {
      this.#skipRecord(record, location.skip ?? 'not-ip');
      return STITCH_SKIPPED;
    }
    const dev = stitcher.place(record.view, location.at, location.captured, record.tsSec, record.tsNsec);
    if (dev === STITCH_SKIPPED) this.#skipRecord(record, stitcher.skip);
    return dev;
  }

  /** RECORD, the current one, does not enter the host. */
  #skipRecord(record: CaptureRecord, reason: string): void {
    const watch = this.#isPassing ? undefined : this.#watching?.watch;
    watch?.missed?.(this.#frameAt(this.#input), reason, record);
    this.skip(reason);
  }

  skip(reason: string, place?: FramePlace, record?: CaptureRecord): void {
    if (place !== undefined) this.#watching?.watch.missed?.(place, reason, record);
    this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1);
  }

  egress(dev: number, bytes: Uint8Array, at: number, available: number, length: number): void {
    const writer = this.#egress[dev];
    const record = this.#record;
    const linkLength = this.#linkLengths[dev];
    // Before a packet without link header there is one of zeros.
    const more = this.#stream === undefined ? 0 : ETHERNET_LENGTH - linkLength;
    // A frame that is still where it was read is preceded by its old record header, which is no longer needed.
    if (writer !== undefined && record !== null && bytes === record.bytes && at >= record.at && writer.holds(bytes)) {
      writer.writeInPlace(this.#frame.tsSec, this.#frame.tsNsec, bytes, at - more, available + more, length + more);
    } else {
      writer?.write(this.#frame.tsSec, this.#frame.tsNsec, bytes, at - more, available + more, length + more);
    }
    this.#watching?.watch.output?.egress(dev, bytes, at, available, length);
    this.#fates?.egress(dev, bytes, at, available, length);
    this.stitcher?.noteOutput(bytes[at + linkLength + IPV4_PROTOCOL_AT]);
    this.hostCapture?.emitted(dev, bytes, at + linkLength, available - linkLength, length - linkLength);
  }

  local(bytes: Uint8Array, at: number, available: number, length: number): void {
    this.#local?.write(this.#frame.tsSec, this.#frame.tsNsec, bytes, at, available, length);
    this.#watching?.watch.output?.local(bytes, at, available, length);
    this.#fates?.local(bytes, at, available, length);
    this.stitcher?.noteOutput(bytes[at + IPV4_PROTOCOL_AT]);
    this.hostCapture?.cameBack(bytes, at, available, length);
  }

  uncertain(cause: UncertainCause): void {
    if (this.#record !== null) this.uncertainFrames.note(cause, () => this.#frameNumber(this.#input));
  }

  log(entry: LogEntry): void {
    this.#logs.log(entry, this.#frame.tsSec, this.#frame.tsNsec);
  }

  nflog(entry: NflogEntry): void {
    this.#logs.nflog(entry, this.#frame.tsSec, this.#frame.tsNsec);
  }

  dropped(drop: Drop, bytes: Uint8Array, at: number, available: number, length: number): void {
    this.#dropped?.write(this.#frame.tsSec, this.#frame.tsNsec, bytes, at, available, length);
    this.#watching?.watch.output?.dropped(drop, bytes, at, available, length);
    if (this.#isShown) this.drops.count(drop, bytes, at, available);
    this.hostCapture?.cameBack(bytes, at, available, length);
    this.#onDrop?.(this.#frame.tsSec, this.#frame.tsNsec, drop, bytes, at);
  }
}
