/** The hosts that packets of `send` claims enter: a fresh one, or the one that captures have left. */
import type { Observer } from '../../core/events.js';
import type { IpStack } from '../../core/ip-stack.js';
import { Frame } from '../../core/link/frame.js';
import type { PacketWatch } from '../../replay/packet-watch.js';
import { replay } from '../../replay/replay.js';
import type { Setting } from '../../replay/setting.js';
import { ARRIVAL_SEC } from '../arrival-time.js';
import { Assumptions } from '../story/assumptions.js';
import { StoryTeller } from '../story/story-teller.js';
import { type SentFrame, Trial, type TrialPacket, type TrialResult, type TrialSetting } from '../trial.js';

export interface SendHost {
  /** When the first packet comes. */
  readonly start: { readonly sec: number; readonly nsec: number };
  /** Whether `start` was chosen. */
  readonly isStartChosen: boolean;
  /** Its rules in force. */
  readonly emulator: Pick<IpStack, 'ruleset'>;
  send(packet: TrialPacket): TrialResult;
}

/** As Trial throws. */
export function freshHost(setting: TrialSetting): SendHost {
  const trial = new Trial(setting);
  return {
    start: { sec: ARRIVAL_SEC, nsec: 0 },
    isStartChosen: true,
    emulator: trial.emulator,
    send: (packet) => trial.send(packet),
  };
}

/**
 * The host after all captures, which are replayed again: the replay that is compared with others is not to be changed.
 * Throws what `replay` throws.
 */
export function hostAfterCaptures({ options }: TrialSetting): SendHost {
  let host: HostAfterCaptures | undefined;
  const { onDrop: _onDrop, onTruncated: _onTruncated, outDir: _outDir, observer: _observer, ...again } = options;
  replay({
    ...again,
    watch: ({ setting }) => {
      host = new HostAfterCaptures(setting);
      return host;
    },
  });
  if (host === undefined) throw new Error('nothing was replayed');
  return host;
}

/** No frame of any capture. */
const NO_FRAME = { input: -1, number: 0 };

class HostAfterCaptures implements PacketWatch, SendHost {
  readonly only = NO_FRAME;
  readonly isDone = false;
  readonly isStartChosen = false;
  emulator!: IpStack;
  readonly #setting: Setting;
  readonly #teller = new StoryTeller();
  readonly observer: Observer = this.#teller.hear;
  readonly #frame = new Frame();
  #assumptions!: Assumptions;
  #sent: SentFrame[] = [];
  #delivered: Uint8Array[] = [];

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  readonly output: NonNullable<PacketWatch['output']> = {
    egress: (dev, bytes, at, available) => {
      const name = this.emulator.host.interfaceNames[dev];
      if (this.#isSending) this.#sent.push({ dev: name, bytes: bytes.slice(at, at + available) });
    },
    local: (bytes, at, available) => {
      if (this.#isSending) this.#delivered.push(bytes.slice(at, at + available));
    },
    dropped() {},
  };
  #isSending = false;

  begin(emulator: IpStack): void {
    this.emulator = emulator;
    this.#assumptions = new Assumptions(this.#setting, emulator.host, emulator);
  }

  wants(): boolean {
    return false;
  }

  finished(): void {}

  get start(): SendHost['start'] {
    const { clock } = this.emulator.connections.memory;
    if (clock.packets === 0) return { sec: ARRIVAL_SEC, nsec: 0 };
    const nsec = clock.startNsec + Math.ceil(this.emulator.nowMs * 1e6);
    return { sec: clock.startSec + Math.floor(nsec / 1e9), nsec: nsec % 1e9 };
  }

  send({ bytes, linktype, dev, tsSec, tsNsec, isSourced = false, mark = 0 }: TrialPacket): TrialResult {
    const { emulator } = this;
    this.#sent = [];
    this.#delivered = [];
    this.#isSending = true;
    emulator.observe(this.observer);
    this.#assumptions.start();
    const frame = this.#frame;
    frame.setBytes(Uint8Array.from(bytes));
    Object.assign(frame, { linktype, tsSec, tsNsec, mark });
    if (dev === undefined) emulator.send(frame, isSourced);
    else {
      frame.dev = emulator.host.knownIndex(dev);
      emulator.receive(frame);
    }
    const story = this.#teller.finish()!;
    return { story, sent: this.#sent, delivered: this.#delivered, assumed: this.#assumptions.of(story) };
  }
}
