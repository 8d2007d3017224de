/** A few packets through a fresh host: what became of each, as a story, and the frames that came of it. */
import { type CaptureRecord, Direction } from '../codecs/capture.js';
import { createEmulator, type Emulator, type EmulatorOptions } from '../core/emulator.js';
import type { PacketEvent } from '../core/events.js';
import { Frame } from '../core/link/frame.js';
import { HostSets } from '../core/sets/host-sets.js';
import { ArrivalCheck } from '../replay/arrivals.js';
import { changeSettingOf, RunChanges } from '../replay/changes/run-changes.js';
import { readBeginning } from '../replay/listed-connections.js';
import type { ReplayOptions } from '../replay/replay.js';
import type { Setting } from '../replay/setting.js';
import { Assumptions } from './story/assumptions.js';
import type { Story } from './story/story.js';
import { StoryTeller } from './story/story-teller.js';

/** What a trial happens in. Any number of trials can happen in one. */
export interface TrialSetting {
  readonly setting: Setting;
  readonly options: ReplayOptions;
}

/** How a trial differs from its setting. */
export type TrialChanges = Partial<Pick<EmulatorOptions, 'ruleset' | 'host' | 'hookEntries' | 'observer'>>;

export interface TrialPacket {
  /** The whole frame as LINKTYPE says. Not changed. */
  readonly bytes: Uint8Array;
  readonly linktype: number;
  /** The interface that it arrives on; undefined: the host itself sends it. */
  readonly dev: string | undefined;
  readonly tsSec: number;
  readonly tsNsec: number;
  /** Sent by a socket that is bound to the packet's source address, not by a raw one (`Emulator.send`). */
  readonly isSourced?: boolean;
  /** The packet mark that it has from the start, an int32. Default: none. */
  readonly mark?: number;
}

/** A frame that left by an interface, from its Ethernet header on; without one if the interface has no MAC address. */
export interface SentFrame {
  readonly dev: string;
  readonly bytes: Uint8Array;
}

export interface TrialResult {
  readonly story: Story;
  /** What left because of the packet, in order: also answers, copies, and the pieces of what was cut. */
  readonly sent: readonly SentFrame[];
  /** The packets that reached the host itself, from their IP headers on. */
  readonly delivered: readonly Uint8Array[];
  /** What the story depended on that nobody said, a line each. */
  readonly assumed: readonly string[];
}

/** A host before its first packet, of which the next packets find what the earlier ones left. */
export class Trial {
  readonly emulator: Emulator;
  readonly #setting: Setting;
  readonly #teller = new StoryTeller();
  readonly #arrivals: ArrivalCheck;
  readonly #changes: RunChanges | undefined;
  readonly #assumptions: Assumptions;
  readonly #frame = new Frame();
  #packets = 0;
  #sent: SentFrame[] = [];
  #delivered: Uint8Array[] = [];

  /**
   * CHANGES: what differs from the setting, such as other rules, and who else follows the packets.
   * @throws {RulesetError} {IpsetError} {ConntrackListError} {FileError} as `replay` does
   */
  constructor({ setting, options }: TrialSetting, changes: TrialChanges = {}) {
    const { host, ruleset, moreSets } = { ...setting, ...changes };
    const { hookEntries = [], observer } = changes;
    const hear = (event: PacketEvent): void => {
      this.#teller.hear(event);
      observer?.(event);
    };
    const { seed = 0, nfqueue, checksums = 'auto' } = options;
    this.#setting = setting;
    const beginning = readBeginning(options, host);
    this.emulator = createEmulator(
      {
        ...{ host, ruleset, seed, checksums, sets: HostSets.of(host, moreSets, seed) },
        ...{ hookEntries, observer: hear },
        ...(beginning === undefined ? {} : { connections: beginning.listed }),
        ...(nfqueue === undefined ? {} : { queueVerdict: nfqueue }),
      },
      {
        egress: (dev, bytes, at, available) => {
          this.#sent.push({ dev: this.emulator.host.interfaceNames[dev], bytes: bytes.slice(at, at + available) });
        },
        local: (bytes, at, available) => this.#delivered.push(bytes.slice(at, at + available)),
        dropped() {},
        hostChanged: (now) => this.#arrivals.useHost(now),
      },
    );
    this.#assumptions = new Assumptions(setting, this.emulator.host, this.emulator);
    this.#arrivals = new ArrivalCheck(host, options.lax ?? false, () => 'the packet');
    if (setting.changes.length > 0)
      this.#changes = new RunChanges(this.emulator, changeSettingOf(setting, options), {});
  }

  /** When the changes were planned for which no packet came late enough: as they were given. */
  get undone(): string[] {
    const done = this.#changes?.done.length ?? 0;
    return this.#setting.changes.slice(done).map(({ whenText }) => whenText);
  }

  /**
   * Sends PACKET through the host. Rules and sets are changed first if that is due.
   * @throws {ReplayOptionsError} {NotFollowedError} if it cannot arrive there, or is not followed
   * @throws {RangeError} if the host has no interface of this name
   */
  send({ bytes, linktype, dev, tsSec, tsNsec, isSourced = false, mark = 0 }: TrialPacket): TrialResult {
    this.#packets++;
    this.#sent = [];
    this.#delivered = [];
    const changes = this.#changes;
    if (changes?.isDue(tsSec, tsNsec, this.#packets)) changes.before({ sec: tsSec, nsec: tsNsec }, this.#packets);
    this.#assumptions.start();
    const frame = this.#frame;
    // The emulator may rewrite the packet in place.
    frame.setBytes(Uint8Array.from(bytes));
    Object.assign(frame, { linktype, tsSec, tsNsec, mark });
    if (dev === undefined) this.emulator.send(frame, isSourced);
    else {
      frame.dev = this.emulator.host.knownIndex(dev);
      this.#arrivals.check(recordOf(frame), frame.dev, 0);
      this.emulator.receive(frame);
    }
    const story = this.#teller.finish()!;
    return { story, sent: this.#sent, delivered: this.#delivered, assumed: this.#assumptions.of(story) };
  }
}

/** What becomes of PACKETS, one after the other, in SETTING. */
export function trial(setting: TrialSetting, packets: readonly TrialPacket[]): TrialResult[] {
  const host = new Trial(setting);
  return packets.map((packet) => host.send(packet));
}

/** FRAME as a capture has it. */
function recordOf({ bytes, view, at, caplen, wirelen, tsSec, tsNsec, linktype }: Frame): CaptureRecord {
  const place = { interfaceIndex: 0, interfaceName: '', direction: Direction.UNKNOWN };
  return { bytes, view, at, caplen, wirelen, tsSec, tsNsec, linktype, ...place };
}
