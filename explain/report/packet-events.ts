/** hot: the events of one packet, from its frame on, and what follows from them at once. */
import type { DroppedEvent, LeftEvent, PacketEvent, PacketFields, TrackedEvent } from '../../core/events.js';
import type { Story } from '../story/story.js';
import { StoryTeller } from '../story/story-teller.js';

export class PacketEvents {
  /** The first `count` are those of the packet. */
  readonly all: PacketEvent[] = [];
  count = 0;
  /** As it arrived; undefined: it is none of IPv4, or malformed. */
  packet: PacketFields | undefined;
  /** The interface that it came by; undefined: it is the host's own. */
  inDev: string | undefined;
  /** What conntrack said first. */
  tracked: TrackedEvent | undefined;
  /** What became of it in the end; undefined: it is held, or was skipped. */
  end: LeftEvent | DroppedEvent | undefined;

  /** Another packet is about to come. */
  clear(): void {
    this.count = 0;
    this.packet = undefined;
    this.inDev = undefined;
    this.tracked = undefined;
    this.end = undefined;
  }

  hear(event: PacketEvent): void {
    if (event.kind === 'frame') {
      this.clear();
      this.inDev = event.dev;
    } else if (this.count === 0) return;
    this.all[this.count++] = event;
    if (event.depth > 0) return;
    switch (event.kind) {
      case 'decoded':
      case 'hook':
        this.packet ??= event.packet;
        break;
      case 'tracked':
        this.tracked ??= event;
        break;
      case 'left':
      case 'dropped':
        this.end = event;
        break;
      default:
    }
  }

  /** Its story; undefined: nobody has dealt with it. */
  story(): Story | undefined {
    const teller = new StoryTeller();
    for (let i = 0; i < this.count; i++) teller.hear(this.all[i]);
    return teller.finish();
  }
}
