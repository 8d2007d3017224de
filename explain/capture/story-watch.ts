/** Tells the stories of packets while captures are replayed. */
import type { Observer } from '../../core/events.js';
import type { Host } from '../../core/host/host.js';
import type { IpStack } from '../../core/ip-stack.js';
import { Frame } from '../../core/link/frame.js';
import type { FramePlace, PacketWatch } from '../../replay/packet-watch.js';
import type { Story } from '../story/story.js';
import { StoryTeller } from '../story/story-teller.js';
import type { TrialPacket } from '../trial.js';

/** Hears of the packets that a subclass wants, and gives it the story of each. */
export abstract class StoryWatch implements PacketWatch {
  readonly #teller = new StoryTeller();
  readonly observer: Observer;
  protected emulator!: IpStack;

  /** ALSO hears all that the stories are made of. */
  constructor(also?: Observer) {
    const { hear } = this.#teller;
    this.observer =
      also === undefined
        ? hear
        : (event) => {
            hear(event);
            also(event);
          };
  }

  get isDone(): boolean {
    return false;
  }

  begin(emulator: IpStack): void {
    this.emulator = emulator;
  }

  abstract wants(place: FramePlace, frame: Frame, isShown: boolean, isOwn: boolean): boolean;

  /** STORY of the packet at PLACE, which has just been dealt with; undefined if it was not wanted. */
  abstract told(story: Story | undefined, place: FramePlace): void;

  /** What becomes of PACKET, which gets into HOST now, in place of what comes next. */
  protected answered({ bytes, linktype, dev, tsSec, tsNsec, isSourced }: TrialPacket, host: Host): Story | undefined {
    const frame = new Frame({ bytes, linktype, tsSec, tsNsec, dev: dev === undefined ? -1 : host.knownIndex(dev) });
    if (dev === undefined) this.emulator.send(frame, isSourced);
    else this.emulator.receive(frame);
    return this.#teller.finish();
  }

  finished(place: FramePlace): void {
    this.told(this.#teller.finish(), place);
  }
}
