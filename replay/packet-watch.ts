/** hot: whoever wants to hear of packets of a replay while it runs. */
import type { CaptureRecord } from '../codecs/capture.js';
import type { EmulatorOutput } from '../core/emulator.js';
import type { Observer } from '../core/events.js';
import type { HookEntry, TableName } from '../core/hooks.js';
import type { IpStack } from '../core/ip-stack.js';
import type { Frame } from '../core/link/frame.js';
import type { Ruleset, SavedCounters } from '../core/rules/model.js';
import type { ReplacedRules } from './changes/changed-rules.js';
import type { ChangeSummary } from './summary.js';
import type { Time } from './time.js';

/** A frame: the index of its input, and its number there, from 1, as Wireshark shows it. */
export interface FramePlace {
  readonly input: number;
  readonly number: number;
}

export interface PacketWatch {
  /** Hears the events of the packets that it wants. */
  readonly observer: Observer;
  /** The only frame that it wants, if that is known before: all others may take the fast path. */
  readonly only?: FramePlace | undefined;
  /** It wants no more: the replay may end before its inputs. */
  readonly isDone: boolean;
  /** Receives what leaves, reaches the host or is dropped, of all packets: what the result folder has. */
  readonly output?: Pick<EmulatorOutput, 'egress' | 'local' | 'dropped'> | undefined;
  /** Entries of the emulator's hooks, which let all packets pass unchanged. */
  readonly hookEntries?: readonly HookEntry[] | undefined;
  /** Called once, before the first packet. */
  begin?(emulator: IpStack): void;
  /**
   * Whether it wants to hear of the packet in FRAME, which is at PLACE and about to enter the host, or to be sent by it
   * (IS_OWN). IS_SHOWN: `--show` chooses it.
   */
  wants(place: FramePlace, frame: Frame, isShown: boolean, isOwn: boolean): boolean;
  /** The packet at PLACE has been dealt with. */
  finished(place: FramePlace): void;
  /**
   * The frame at PLACE does not enter the host, for a REASON as in `skipped` of summaries. RECORD: what was captured,
   * valid only during the call; undefined: an IPv4 packet, captured on the host itself.
   */
  missed?(place: FramePlace, reason: string, record?: CaptureRecord): void;
  /** Other rules are in force from the next packet on. */
  rulesReplaced?(replaced: ReplacedRules): void;
  /** CHANGE, planned by `--at`, has been carried out, AT its time, before the next packet; undefined: at the end. */
  changed?(change: ChangeSummary, at: Time | undefined): void;
  /** The last packet has been dealt with: writes the rest of what it writes. */
  close?(): void;
  /** After that: the rules in force, and their counters as iptables shows them. */
  counted?(ruleset: Ruleset, counters: ReadonlyMap<TableName, SavedCounters>): void;
  /** Puts what it has written in place. */
  commit?(): void;
  /** The replay has failed, or was ended: removes what it has written. */
  discard?(): void;
  /** The frame at PLACE was captured as it left the host, because of the frame CAUSE, if that is known. */
  departed?(place: FramePlace, cause: FramePlace | undefined): void;
}

/** Lets a watch hear of the packets that it wants, and nobody of the others. */
export class Watching {
  readonly watch: PacketWatch;
  readonly #emulator: IpStack;
  readonly #always: Observer | undefined;
  readonly #both: Observer;
  #place: FramePlace | undefined;
  #isOn = false;

  /** ALWAYS hears of all packets, whether WATCH wants them or not. */
  constructor(watch: PacketWatch, emulator: IpStack, always?: Observer) {
    this.watch = watch;
    this.#emulator = emulator;
    this.#always = always;
    this.#both = bothOf(watch.observer, always);
    watch.begin?.(emulator);
  }

  /** The packet in FRAME is about to enter the host. */
  enters(place: FramePlace, frame: Frame, isShown: boolean, isOwn: boolean): void {
    this.#place = place;
    this.observe(this.watch.wants(place, frame, isShown, isOwn));
  }

  finished(): void {
    const place = this.#place;
    this.#place = undefined;
    if (place !== undefined) this.watch.finished(place);
  }

  /** From the next packet on, the watch hears of packets, or not. */
  observe(isOn: boolean): void {
    if (isOn === this.#isOn) return;
    this.#isOn = isOn;
    this.#emulator.observe(isOn ? this.#both : this.#always);
  }
}

function bothOf(observer: Observer, always: Observer | undefined): Observer {
  if (always === undefined) return observer;
  return (event) => {
    always(event);
    observer(event);
  };
}
