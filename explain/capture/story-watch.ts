/** Tells the stories of packets while captures are replayed. */
import type { Observer } from '../../core/events.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import type { FramePlace, PacketWatch } from '../../replay/packet-watch.js';
import type { Story } from '../story/story.js';
import { StoryTeller } from '../story/story-teller.js';

/** Hears of the packets that a subclass wants, and gives it the story of each. */
export abstract class StoryWatch implements PacketWatch {
  readonly #teller = new StoryTeller();
  readonly observer: Observer = this.#teller.hear;
  protected emulator!: IpStack;

  get isDone(): boolean {
    return false;
  }

  begin(emulator: IpStack): void {
    this.emulator = emulator;
  }

  abstract wants(place: FramePlace, frame: Frame, isShown: boolean, isOwn: boolean): boolean;

  /** STORY of the packet at PLACE, which has just been dealt with; undefined if it was not wanted. */
  abstract told(story: Story | undefined, place: FramePlace): void;

  finished(place: FramePlace): void {
    this.told(this.#teller.finish(), place);
  }
}
